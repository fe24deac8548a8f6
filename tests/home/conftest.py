from tests.campaigns.conftest import design, make_campaign, make_list, relay, send, sink, start

__all__ = ["design", "make_campaign", "make_list", "relay", "send", "sink", "start"]
