/* An SMTP server for measurements: accepts every mail, stores none, and counts mails by recipient.
 *
 *   cc -O2 -o sink sink.c && ./sink -p 0
 *
 *   -p PORT       on 127.0.0.1; 0 (default): any. Prints "listening on PORT"
 *   -d MS         every reply leaves so many milliseconds after its command: a round trip
 *   -n EXTENSION  not offered: PIPELINING, CHUNKING, SIZE, 8BITMIME, SMTPUTF8 (may be repeated)
 *   -r N          at most N messages a second; more are deferred at RCPT with 451 4.7.1
 *   -R TEXT       recipients with TEXT in them are refused (550 5.1.1)
 *   -T TEXT       recipients with TEXT in them are deferred (450 4.2.1)
 *   -S BYTES      largest mail (default 100 MiB)
 *   -c N          at most N connections; more are turned away with 421
 *   -K N          each connection is cut when its Nth mail is complete, without a reply
 *   -e            ends when its standard input does: with the program that started it
 *
 * XSTAT answers with counts since the start or XRESET. One thread, one epoll. Recipients are kept
 * as 64-bit hashes: 8 bytes a slot, at most half of the slots taken, so 5,000,000 need 128 MiB
 * (and half as much again while the table grows).
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

/* A command line is at most this long; content is looked at in pieces of this size. */
#define INPUT 65536
#define MOST_DESCRIPTORS 65536
#define MOST_RECIPIENTS 100
#define EVENTS 256

enum mode { COMMANDS, CONTENT, CHUNK };

struct connection {
    int fd;
    /* Descriptors are used again; a delayed reply is only for the connection that earned it. */
    uint64_t generation;
    enum mode mode;
    char in[INPUT + 1];
    size_t in_used;
    char *out;
    size_t out_used, out_room;
    /* The first bytes of `out` whose delay is over. */
    size_t may_leave;
    bool waits_to_write;
    bool closing; /* when `out` is empty */
    bool in_mail;
    uint64_t recipients[MOST_RECIPIENTS];
    size_t recipient_count;
    size_t chunk_left;
    bool chunk_is_last;
    size_t content_size;
    uint64_t mails;
};

/* Bytes of a connection's output that may leave at a moment. */
struct delayed {
    uint64_t due;
    int fd;
    uint64_t generation;
    size_t bytes;
};

static struct {
    int port;
    uint64_t delay; /* ns */
    double rate;
    const char *refuse, *defer;
    size_t largest;
    int most_connections;
    uint64_t cut_at;
    bool ends_with_input;
} options = {.largest = 100 << 20};

static struct {
    const char *name;
    bool offered;
} extensions[] = {{"PIPELINING", true}, {"CHUNKING", true}, {"SIZE", true},
                  {"8BITMIME", true},   {"SMTPUTF8", true}, {"ENHANCEDSTATUSCODES", true}};
#define EXTENSIONS (sizeof extensions / sizeof *extensions)

static struct {
    uint64_t messages, duplicates, bytes, content, commands, connections, refused;
    double first_at, last_at; /* seconds since 1970 */
    double cpu;               /* before the reset */
} counts;

static struct connection *connections[MOST_DESCRIPTORS];
static int open_connections;
static uint64_t generations;
static int epoll, listener, timer;

/* Time ---------------------------------------------------------------------------------------- */

static uint64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static double clock_time(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* Memory -------------------------------------------------------------------------------------- */

static void *grown(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (!memory) {
        perror("sink: memory");
        exit(1);
    }
    return memory;
}

/* Recipients ---------------------------------------------------------------------------------- */

static struct {
    uint64_t *slots; /* 0: free */
    size_t size, used;
} seen;

/* FNV-1a. Two of 5,000,000 addresses share a hash with a probability of one in a million. */
static uint64_t hash_of(const char *address, size_t length) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)address[i]) * 1099511628211u;
    return hash ? hash : 1;
}

static uint64_t *slot_of(uint64_t hash) {
    /* FNV's low bits are its weakest; the table is asked at each mail. */
    size_t at = (hash ^ hash >> 32) & (seen.size - 1);
    while (seen.slots[at] && seen.slots[at] != hash)
        at = (at + 1) & (seen.size - 1);
    return &seen.slots[at];
}

static void resize_seen(size_t size) {
    uint64_t *old = seen.slots;
    size_t old_size = seen.size;
    seen.slots = calloc(size, sizeof *seen.slots);
    if (!seen.slots) {
        perror("sink: memory");
        exit(1);
    }
    seen.size = size;
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            *slot_of(old[i]) = old[i];
    free(old);
}

static void count_recipient(uint64_t hash) {
    uint64_t *slot = slot_of(hash);
    if (*slot) {
        counts.duplicates++;
        return;
    }
    *slot = hash;
    if (++seen.used * 2 > seen.size)
        resize_seen(seen.size * 2);
}

static void forget_everything(void) {
    memset(seen.slots, 0, seen.size * sizeof *seen.slots);
    seen.used = 0;
    memset(&counts, 0, sizeof counts);
    counts.cpu = cpu_seconds();
}

/* Delay --------------------------------------------------------------------------------------- */

/* A ring: all replies wait equally long, so they leave in their order. */
static struct {
    struct delayed *ring;
    size_t size, begin, used;
} waiting;

static void set_timer(void) {
    uint64_t due = waiting.used ? waiting.ring[waiting.begin].due : 0;
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(due / 1000000000),
                                         .tv_nsec = (long)(due % 1000000000)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void widen_waiting(void) {
    size_t size = waiting.size ? waiting.size * 2 : 1024;
    struct delayed *ring = grown(NULL, size * sizeof *ring);
    for (size_t i = 0; i < waiting.used; i++)
        ring[i] = waiting.ring[(waiting.begin + i) % waiting.size];
    free(waiting.ring);
    waiting.ring = ring;
    waiting.size = size;
    waiting.begin = 0;
}

static void delay(struct connection *connection, size_t bytes) {
    if (waiting.used == waiting.size)
        widen_waiting();
    waiting.ring[(waiting.begin + waiting.used) % waiting.size] =
        (struct delayed){now() + options.delay, connection->fd, connection->generation, bytes};
    if (waiting.used++ == 0)
        set_timer();
}

/* Output -------------------------------------------------------------------------------------- */

static void say(struct connection *connection, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct connection *connection, const char *format, ...) {
    char line[1024];
    va_list values;
    va_start(values, format);
    int written = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    size_t length = (size_t)written < sizeof line ? (size_t)written : sizeof line - 1;
    if (connection->out_used + length > connection->out_room) {
        connection->out_room = (connection->out_used + length) * 2;
        connection->out = grown(connection->out, connection->out_room);
    }
    memcpy(connection->out + connection->out_used, line, length);
    connection->out_used += length;
}

static void watch(struct connection *connection, int how, bool write) {
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0),
                                .data.fd = connection->fd};
    epoll_ctl(epoll, how, connection->fd, &event);
    connection->waits_to_write = write;
}

static void hang_up(struct connection *connection) {
    connections[connection->fd] = NULL;
    open_connections--;
    close(connection->fd);
    free(connection->out);
    free(connection);
}

/* Writes the output that may leave; false when the connection is gone. */
static bool flush(struct connection *connection) {
    if (connection->may_leave) {
        ssize_t sent = send(connection->fd, connection->out, connection->may_leave, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            hang_up(connection);
            return false;
        }
        size_t gone = sent > 0 ? (size_t)sent : 0;
        connection->may_leave -= gone;
        connection->out_used -= gone;
        memmove(connection->out, connection->out + gone, connection->out_used);
    }
    if (connection->closing && !connection->out_used) {
        hang_up(connection);
        return false;
    }
    if (connection->waits_to_write != (connection->may_leave > 0))
        watch(connection, EPOLL_CTL_MOD, connection->may_leave > 0);
    return true;
}

/* Sends the replies added since `out_used` was `before`, now or after the delay. */
static void send_replies(struct connection *connection, size_t before) {
    size_t bytes = connection->out_used - before;
    if (options.delay && bytes) {
        delay(connection, bytes);
        return;
    }
    connection->may_leave += bytes;
    flush(connection);
}

static void release_delayed(void) {
    uint64_t expirations;
    if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
        perror("sink: timer");
    uint64_t at = now();
    while (waiting.used && waiting.ring[waiting.begin].due <= at) {
        struct delayed first = waiting.ring[waiting.begin];
        waiting.begin = (waiting.begin + 1) % waiting.size;
        waiting.used--;
        struct connection *connection = connections[first.fd];
        if (connection && connection->generation == first.generation) {
            connection->may_leave += first.bytes;
            flush(connection);
        }
    }
    set_timer();
}

/* Commands ------------------------------------------------------------------------------------ */

/* At most `rate` a second, in a bucket that holds one second of them. */
static bool over_rate(void) {
    static double tokens;
    static uint64_t filled_at;
    if (!options.rate)
        return false;
    uint64_t at = now();
    tokens += filled_at ? (double)(at - filled_at) * 1e-9 * options.rate : options.rate;
    tokens = tokens < options.rate ? tokens : options.rate;
    filled_at = at;
    if (tokens < 1)
        return true;
    tokens--;
    return false;
}

static void end_mail(struct connection *connection) {
    connection->in_mail = false;
    connection->recipient_count = 0;
    connection->content_size = 0;
}

static void greet(struct connection *connection) {
    say(connection, "250-sink\r\n");
    for (size_t i = 0; i < EXTENSIONS; i++) {
        if (!extensions[i].offered)
            continue;
        if (!strcmp(extensions[i].name, "SIZE"))
            say(connection, "250-SIZE %zu\r\n", options.largest);
        else
            say(connection, "250-%s\r\n", extensions[i].name);
    }
    say(connection, "250 HELP\r\n");
}

static void mail(struct connection *connection, const char *line) {
    const char *size = strcasestr(line, " SIZE=");
    if (connection->in_mail)
        say(connection, "503 5.5.1 There is a MAIL already\r\n");
    else if (size && strtoull(size + 6, NULL, 10) > options.largest)
        say(connection, "552 5.3.4 Too large\r\n");
    else {
        end_mail(connection);
        connection->in_mail = true;
        say(connection, "250 2.1.0 Ok\r\n");
    }
}

static void rcpt(struct connection *connection, const char *line) {
    const char *begin = strchr(line, '<');
    const char *end = begin ? strchr(begin, '>') : NULL;
    if (!connection->in_mail)
        say(connection, "503 5.5.1 MAIL comes first\r\n");
    else if (!end)
        say(connection, "501 5.1.3 An address has angle brackets\r\n");
    else if (connection->recipient_count == MOST_RECIPIENTS)
        say(connection, "452 4.5.3 Too many recipients\r\n");
    else if (options.refuse && strstr(line, options.refuse))
        say(connection, "550 5.1.1 No such user here\r\n");
    else if (options.defer && strstr(line, options.defer))
        say(connection, "450 4.2.1 Mailbox busy\r\n");
    else if (over_rate())
        say(connection, "451 4.7.1 Rate limit: at most %g messages a second\r\n", options.rate);
    else {
        uint64_t hash = hash_of(begin + 1, (size_t)(end - begin - 1));
        connection->recipients[connection->recipient_count++] = hash;
        say(connection, "250 2.1.5 Ok\r\n");
        return;
    }
    counts.refused++;
}

static void data(struct connection *connection) {
    if (!connection->in_mail)
        say(connection, "503 5.5.1 MAIL comes first\r\n");
    else if (!connection->recipient_count)
        say(connection, "554 5.5.1 No valid recipients\r\n");
    else {
        connection->mode = CONTENT;
        say(connection, "354 End data with <CR><LF>.<CR><LF>\r\n");
    }
}

static void begin_chunk(struct connection *connection, const char *line) {
    char *rest;
    connection->chunk_left = strtoull(line + 5, &rest, 10);
    connection->chunk_is_last = strcasestr(rest, "LAST") != NULL;
    connection->mode = CHUNK;
}

static void tell_counts(struct connection *connection) {
    say(connection,
        "250 messages=%llu distinct=%zu duplicates=%llu refused=%llu bytes=%llu content=%llu "
        "commands=%llu connections=%llu cpu=%.4f first=%.4f last=%.4f\r\n",
        (unsigned long long)counts.messages, seen.used, (unsigned long long)counts.duplicates,
        (unsigned long long)counts.refused, (unsigned long long)counts.bytes,
        (unsigned long long)counts.content, (unsigned long long)counts.commands,
        (unsigned long long)counts.connections, cpu_seconds() - counts.cpu, counts.first_at,
        counts.last_at);
}

static void quit(struct connection *connection) {
    say(connection, "221 2.0.0 Bye\r\n");
    connection->closing = true;
}

static bool is(const char *line, const char *verb) {
    return !strncasecmp(line, verb, strlen(verb));
}

/* `line` is without its end, and ended by a NUL. */
static void command(struct connection *connection, const char *line) {
    counts.commands++;
    if (is(line, "MAIL FROM:"))
        mail(connection, line);
    else if (is(line, "RCPT TO:"))
        rcpt(connection, line);
    else if (is(line, "DATA"))
        data(connection);
    else if (is(line, "BDAT "))
        begin_chunk(connection, line);
    else if (is(line, "EHLO"))
        greet(connection);
    else if (is(line, "HELO"))
        say(connection, "250 sink\r\n");
    else if (is(line, "RSET")) {
        end_mail(connection);
        say(connection, "250 2.0.0 Ok\r\n");
    } else if (is(line, "NOOP"))
        say(connection, "250 2.0.0 Ok\r\n");
    else if (is(line, "QUIT"))
        quit(connection);
    else if (is(line, "XSTAT"))
        tell_counts(connection);
    else if (is(line, "XRESET")) {
        forget_everything();
        say(connection, "250 2.0.0 Ok\r\n");
    } else
        say(connection, "502 5.5.2 Unknown command\r\n");
}

/* Content ------------------------------------------------------------------------------------- */

/* The mail is complete; returns false when the connection is to be cut. */
static bool take_mail(struct connection *connection) {
    connection->mode = COMMANDS;
    if (options.cut_at && ++connection->mails == options.cut_at)
        return false;
    if (connection->content_size > options.largest)
        say(connection, "552 5.3.4 Too large\r\n");
    else {
        counts.last_at = clock_time();
        if (!counts.messages++)
            counts.first_at = counts.last_at;
        counts.content += connection->content_size;
        for (size_t i = 0; i < connection->recipient_count; i++)
            count_recipient(connection->recipients[i]);
        say(connection, "250 2.0.0 Ok: queued as %llX\r\n", (unsigned long long)counts.messages);
    }
    end_mail(connection);
    return true;
}

static bool end_chunk(struct connection *connection) {
    connection->mode = COMMANDS;
    if (!connection->recipient_count)
        say(connection, connection->in_mail ? "554 5.5.1 No valid recipients\r\n"
                                            : "503 5.5.1 MAIL comes first\r\n");
    else if (connection->chunk_is_last)
        return take_mail(connection);
    else
        say(connection, "250 2.0.0 Chunk ok\r\n");
    return true;
}

/* Each of these reads input from `at` and moves `at` on; false: more input is needed first. `*cut`
 * is set when the connection is to be dropped. */

static bool eat_command(struct connection *connection, size_t *at, bool *cut) {
    char *begin = connection->in + *at;
    char *end = memchr(begin, '\n', connection->in_used - *at);
    if (!end) {
        *cut = connection->in_used - *at == INPUT;
        return false;
    }
    *at += (size_t)(end - begin) + 1;
    *(end > begin && end[-1] == '\r' ? end - 1 : end) = 0;
    command(connection, begin);
    if (connection->mode == CHUNK && !connection->chunk_left)
        *cut = !end_chunk(connection);
    return true;
}

/* As memmem(begin, length, "\r\n.\r\n", 5), line by line: a fifth of the time. */
static char *end_of_content(char *begin, size_t length) {
    char *last = begin + length - 3; /* where ".\r\n" fits in behind a line's end */
    for (char *at = begin; length >= 5 && at < last; at++) {
        at = memchr(at, '\n', (size_t)(last - at));
        if (!at)
            return NULL;
        if (at > begin && at[-1] == '\r' && !memcmp(at + 1, ".\r\n", 3))
            return at - 1;
    }
    return NULL;
}

/* Content is dropped, except for its last four bytes, which may be the begin of its end mark. */
static bool eat_content(struct connection *connection, size_t *at, bool *cut) {
    char *begin = connection->in + *at;
    size_t length = connection->in_used - *at;
    if (!connection->content_size && length >= 3 && !memcmp(begin, ".\r\n", 3)) {
        *at += 3;
        *cut = !take_mail(connection);
        return true;
    }
    char *end = end_of_content(begin, length);
    if (end) {
        size_t size = (size_t)(end - begin) + 2;
        connection->content_size += size;
        *at += size + 3;
        *cut = !take_mail(connection);
        return true;
    }
    if (length > 4) {
        connection->content_size += length - 4;
        *at += length - 4;
    }
    return false;
}

static bool eat_chunk(struct connection *connection, size_t *at, bool *cut) {
    size_t here = connection->in_used - *at;
    size_t eaten = here < connection->chunk_left ? here : connection->chunk_left;
    *at += eaten;
    connection->chunk_left -= eaten;
    connection->content_size += eaten;
    if (connection->chunk_left)
        return false;
    *cut = !end_chunk(connection);
    return true;
}

/* False when the connection is to be dropped. */
static bool eat(struct connection *connection) {
    size_t at = 0;
    bool cut = false, more = true;
    while (more && !cut && !connection->closing && at < connection->in_used) {
        if (connection->mode == COMMANDS)
            more = eat_command(connection, &at, &cut);
        else if (connection->mode == CONTENT)
            more = eat_content(connection, &at, &cut);
        else
            more = eat_chunk(connection, &at, &cut);
    }
    connection->in_used -= at;
    memmove(connection->in, connection->in + at, connection->in_used);
    return !cut;
}

/* Connections --------------------------------------------------------------------------------- */

static void welcome(int fd) {
    struct connection *connection = calloc(1, sizeof *connection);
    int on = 1;
    if (!connection || fd >= MOST_DESCRIPTORS) {
        free(connection);
        close(fd);
        return;
    }
    /* Small replies leave at once. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->fd = fd;
    connection->generation = ++generations;
    connections[fd] = connection;
    open_connections++;
    counts.connections++;
    watch(connection, EPOLL_CTL_ADD, false);
    if (options.most_connections && open_connections > options.most_connections) {
        say(connection, "421 4.7.0 Too many connections\r\n");
        connection->closing = true;
    } else
        say(connection, "220 sink ESMTP\r\n");
    send_replies(connection, 0);
}

static void welcome_all(void) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        welcome(fd);
}

static void serve(struct connection *connection, uint32_t events) {
    if ((events & EPOLLOUT) && !flush(connection))
        return;
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    size_t room = INPUT - connection->in_used;
    ssize_t got = recv(connection->fd, connection->in + connection->in_used, room, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        hang_up(connection);
        return;
    }
    counts.bytes += (uint64_t)got;
    connection->in_used += (size_t)got;
    size_t before = connection->out_used;
    if (eat(connection))
        send_replies(connection, before);
    else
        hang_up(connection);
}

/* Start --------------------------------------------------------------------------------------- */

static void hide(const char *name) {
    for (size_t i = 0; i < EXTENSIONS; i++)
        if (!strcasecmp(extensions[i].name, name)) {
            extensions[i].offered = false;
            return;
        }
    fprintf(stderr, "sink: %s is not among the extensions that it knows\n", name);
    exit(2);
}

static void read_options(int count, char **words) {
    int option;
    while ((option = getopt(count, words, "p:d:n:r:R:T:S:c:K:e")) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'd': options.delay = (uint64_t)(atof(optarg) * 1e6); break;
        case 'n': hide(optarg); break;
        case 'r': options.rate = atof(optarg); break;
        case 'R': options.refuse = optarg; break;
        case 'T': options.defer = optarg; break;
        case 'S': options.largest = strtoull(optarg, NULL, 10); break;
        case 'c': options.most_connections = atoi(optarg); break;
        case 'K': options.cut_at = strtoull(optarg, NULL, 10); break;
        case 'e': options.ends_with_input = true; break;
        default: exit(2);
        }
    }
}

static void fail(const char *what) {
    fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void listen_here(void) {
    struct sockaddr_in place = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)options.port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof place;
    int on = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 1024) ||
        getsockname(listener, (struct sockaddr *)&place, &size))
        fail("can't listen");
    printf("listening on %d\n", ntohs(place.sin_port));
    fflush(stdout);
}

static void watch_own(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        fail("can't watch");
}

static void end_with_input(void) {
    char ignored[256];
    if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
        exit(0);
}

int main(int count, char **words) {
    struct epoll_event events[EVENTS];
    read_options(count, words);
    signal(SIGPIPE, SIG_IGN);
    resize_seen(1 << 16);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    listen_here();
    watch_own(listener);
    watch_own(timer);
    if (options.ends_with_input)
        watch_own(STDIN_FILENO);
    for (;;) {
        bool delay_is_over = false;
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                welcome_all();
            else if (fd == timer)
                delay_is_over = true;
            else if (fd == STDIN_FILENO && options.ends_with_input)
                end_with_input();
            else if (connections[fd])
                serve(connections[fd], events[i].events);
        }
        /* After the other events: this may close connections that they refer to. */
        if (delay_is_over)
            release_delayed();
    }
}
