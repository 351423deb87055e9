// Package limitredis counts rate-limit windows for several nodes in Redis or Valkey, by the same rules as one node does
// in memory. It carries counts and never money: losing it loosens a limit to each node's part. Source: DESIGN section 8.
package limitredis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Options of a Shared.
type Options struct {
	// URL is redis://user:password@host:port/db, or rediss:// with TLS.
	URL string
	// Prefix comes before every key; empty: "gantry".
	Prefix string
	// Timeout bounds the wait for an answer, after which a node goes by its own part; 0: 100 ms.
	Timeout time.Duration
	// Slot is after how long a request no longer counts as under way, should its node have died; 0: 15 min. It must be
	// longer than requests take.
	Slot time.Duration
	Log  *slog.Logger
}

// Shared implements limits.Shared.
type Shared struct {
	client  *redis.Client
	prefix  string
	timeout time.Duration
	slot    time.Duration
	log     *slog.Logger
	queue   chan give
	closing chan struct{}
	done    chan struct{}
}

var _ limits.Shared = (*Shared)(nil)

// give is what one request gives back.
type give struct {
	keys []string
	args []any
}

const (
	maxQueue = 1 << 14
	maxBatch = 128
)

//go:embed take.lua
var takeText string

//go:embed give.lua
var giveText string

var take = redis.NewScript(takeText)

// Open returns a Shared; it connects when it is asked first. Close ends it.
func Open(o Options) (*Shared, error) {
	parsed, err := redis.ParseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("limitredis: %w", errAddress)
	}
	s := &Shared{
		prefix: o.Prefix, timeout: o.Timeout, slot: o.Slot, log: o.Log, queue: make(chan give, maxQueue),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	if s.prefix == "" {
		s.prefix = "gantry"
	}
	if s.timeout == 0 {
		s.timeout = 100 * time.Millisecond
	}
	if s.slot == 0 {
		s.slot = 15 * time.Minute
	}
	// A request does not wait for a second try: its node's own part is the better answer.
	parsed.MaxRetries, parsed.DialerRetries = -1, 1
	parsed.DialTimeout, parsed.ReadTimeout, parsed.WriteTimeout, parsed.PoolTimeout = s.timeout, s.timeout, s.timeout, s.timeout
	parsed.ContextTimeoutEnabled = true
	redis.SetLogger(silent{})
	s.client = redis.NewClient(parsed)
	go s.run()
	return s, nil
}

var errAddress = errors.New("want an address such as redis://user:password@host:6379/0, or rediss:// with TLS")

// silent takes the library's own lines about every connection that fails: what matters of them comes back as errors.
type silent struct{}

// Printf implements the library's logger.
func (silent) Printf(context.Context, string, ...any) {}

// Ping reports whether the server answers.
func (s *Shared) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.client.Ping(ctx).Err()
}

// Take implements limits.Shared.
func (s *Shared) Take(ctx context.Context, request id.ID, claims []limits.Claim) (limits.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	keys := make([]string, len(claims))
	args := make([]any, 0, 2+4*len(claims))
	args = append(args, request.String(), s.slot.Microseconds())
	for i := range claims {
		c := &claims[i]
		keys[i] = s.key(c)
		partial := 0
		if c.Partial() {
			partial = 1
		}
		args = append(args, c.Span.Microseconds(), c.Weight, c.Limit, partial)
	}
	answer, err := take.Run(ctx, s.client, keys, args...).Int64Slice()
	if err != nil {
		return limits.Verdict{}, fmt.Errorf("limitredis: %w", err)
	}
	return verdict(answer, len(claims))
}

// verdict reads the script's answer: the refused claim counted from 1, the wait in microseconds, and three numbers per
// claim.
func verdict(answer []int64, claims int) (limits.Verdict, error) {
	if len(answer) != 2+3*claims || answer[0] < 0 || answer[0] > int64(claims) {
		return limits.Verdict{}, fmt.Errorf("limitredis: %d numbers answer %d claims", len(answer), claims)
	}
	v := limits.Verdict{Refused: int(answer[0]) - 1, Wait: time.Duration(answer[1]) * time.Microsecond}
	for at := 2; at < len(answer); at += 3 {
		v.Grants = append(v.Grants, limits.Grant{Tick: answer[at], Took: answer[at+1], Left: answer[at+2]})
	}
	return v, nil
}

// key names a window. The braces put all keys of a cluster into one slot: one script counts them all.
func (s *Shared) key(c *limits.Claim) string {
	return s.prefix + ":{limits}:" + c.Scope.Kind.String() + ":" + c.Scope.ID.String() + ":" + c.Metric.String() + ":" +
		strconv.FormatInt(int64(c.Span/time.Second), 10) + ":" + string(c.Currency)
}

// Give implements limits.Shared.
func (s *Shared) Give(request id.ID, corrections []limits.Correction) {
	g := give{keys: make([]string, len(corrections)), args: []any{request.String()}}
	for i := range corrections {
		c := &corrections[i]
		g.keys[i] = s.key(&c.Claim)
		g.args = append(g.args, c.Claim.Span.Microseconds(), c.Tick, c.Actual-c.Took)
	}
	select {
	case s.queue <- g:
	default:
		s.log.Warn("rate-limit correction dropped: Redis is too slow or away")
	}
}

// run sends what is given back, as much as waits in one round trip, until the Shared is closed. Then it sends what still
// waits, as long as Redis takes it.
func (s *Shared) run() {
	defer close(s.done)
	for {
		select {
		case g := <-s.queue:
			s.send(s.batch(g))
		case <-s.closing:
			for len(s.queue) > 0 && s.send(s.batch(<-s.queue)) {
			}
			return
		}
	}
}

// batch is what waits, begun with first.
func (s *Shared) batch(first give) []give {
	out := []give{first}
	for len(out) < maxBatch {
		select {
		case g := <-s.queue:
			out = append(out, g)
		default:
			return out
		}
	}
	return out
}

// send reports whether Redis took a batch.
func (s *Shared) send(batch []give) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, g := range batch {
			p.Eval(ctx, giveText, g.keys, g.args...)
		}
		return nil
	})
	if err != nil {
		// The windows forget what was not given back by themselves.
		s.log.Warn("rate limits not corrected", "requests", len(batch), "error", err)
	}
	return err == nil
}

// Close sends what waits and disconnects. What is given afterwards is lost, and leaves the windows by itself.
func (s *Shared) Close() error {
	close(s.closing)
	<-s.done
	return s.client.Close()
}
