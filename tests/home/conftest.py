from tests.campaigns.conftest import design, make_campaign, make_list, relay, send, start

__all__ = ["design", "make_campaign", "make_list", "relay", "send", "start"]
