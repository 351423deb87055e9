package relay_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// replayStore keeps answers, and takes them from the journal's records.
type replayStore interface {
	tasks.ReplayStore
	apply(ctx context.Context, batch []*journal.Record) error
}

// shelf is a replayStore in memory. Each node of a cluster sees it through a view of its own.
type shelf struct {
	mu   sync.Mutex
	rows map[tasks.Digest]shelved
}

type shelved struct {
	tasks.Replay

	done bool
	node string
}

type view struct {
	*shelf

	node string // "": the only one
}

func newShelf() *shelf { return &shelf{rows: map[tasks.Digest]shelved{}} }

func (v view) ReplayClaim(_ context.Context, c *tasks.Replay) (tasks.Replay, tasks.ClaimState, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	row, ok := v.rows[c.Claim]
	switch {
	case ok && row.done && row.ExpiresAt.After(c.CreatedAt):
		return row.Replay, tasks.Answered, nil
	case ok && !row.done && row.node != v.node:
		return row.Replay, tasks.Elsewhere, nil
	}
	if v.node != "" {
		v.rows[c.Claim] = shelved{Replay: *c, node: v.node}
	}
	return tasks.Replay{}, tasks.Claimed, nil
}

func (v view) ReplayRelease(_ context.Context, claim tasks.Digest, task id.ID) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if row := v.rows[claim]; !row.done && row.TaskID == task {
		delete(v.rows, claim)
	}
	return nil
}

// broken is a store whose database does not answer.
type broken struct{ view }

func (broken) ReplayClaim(context.Context, *tasks.Replay) (tasks.Replay, tasks.ClaimState, error) {
	return tasks.Replay{}, tasks.Claimed, errRefused
}

func (view) ReplaysForget(context.Context, time.Time, int) (int, error) { return 0, nil }

func (v view) apply(_ context.Context, batch []*journal.Record) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range batch {
		if r.Replay != nil {
			v.rows[r.Replay.Claim] = shelved{Replay: *r.Replay, done: true}
		}
	}
	return nil
}

// database is a replayStore in a real one, without the books.
type database struct {
	*store.Replays

	journal *store.Journal
}

func (d database) apply(ctx context.Context, batch []*journal.Record) error {
	var bare []*journal.Record
	for _, r := range batch {
		bare = append(bare, &journal.Record{Task: r.Task, Replay: r.Replay})
	}
	return d.journal.RecordsApply(ctx, bare, journal.Position{})
}

// replayStores are the ways to keep answers.
func replayStores() map[string]func(*testing.T) replayStore {
	open := func(t *testing.T, o store.Options) replayStore {
		t.Helper()
		o.Clock = clock.System
		s, err := store.Open(t.Context(), o)
		if err == nil {
			err = s.Migrate(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return database{s.Replays(), s.Journal()}
	}
	return map[string]func(*testing.T) replayStore{
		"sqlite": func(t *testing.T) replayStore {
			t.Helper()
			return open(t, store.Options{Path: filepath.Join(t.TempDir(), "replay.db")})
		},
		"postgres": func(t *testing.T) replayStore {
			t.Helper()
			return open(t, store.Options{URL: pgtest.New(t)})
		},
	}
}

// newReplayBench is a bench that repeats calls.
func newReplayBench(t *testing.T, s replayStore, limits relay.Limits, change ...func(*relay.Replay)) *bench {
	t.Helper()
	return newReplayBenchOn(t, s, limits, func(j relay.Journal) relay.Journal { return j }, change...)
}

// newReplayBenchOn is newReplayBench with a journal of its own making.
func newReplayBenchOn(
	t *testing.T, s replayStore, limits relay.Limits, on func(relay.Journal) relay.Journal, change ...func(*relay.Replay),
) *bench {
	t.Helper()
	b := newBench(t, "1", limits, func(o *relay.Options) {
		j := o.Journal.(*journal.Journal) //nolint:forcetypeassert // what newBench made
		o.Journal = on(j)
		o.Replay = &relay.Replay{
			Store: s, Flush: j.Flush, Retention: time.Hour, MaxBytes: 1 << 20, MemoryBytes: 64 << 20, Linger: time.Minute,
		}
		for _, f := range change {
			f(o.Replay)
		}
	})
	b.sink.also = s.apply
	return b
}

const keyName = "Idempotency-Key"

// idOfTask matches the task's id in event ids.
var idOfTask = regexp.MustCompile(`(?m)^id: [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-`)

// withoutTask replaces the task's id, which differs from call to call.
func withoutTask(stream string) string { return idOfTask.ReplaceAllString(stream, "id: task-") }

// eventsOf splits a stream into its events.
func eventsOf(stream string) []string {
	events := strings.SplitAfter(stream, "\n\n")
	return events[:len(events)-1]
}

// idOf is the id of an event.
func idOf(event string) string {
	line, _, _ := strings.Cut(event, "\n")
	return strings.TrimPrefix(line, "id: ")
}

// countingLeaver is a caller that leaves once it has so many events.
type countingLeaver struct {
	*httptest.ResponseRecorder

	events int
	leave  context.CancelFunc
}

func (l *countingLeaver) Write(p []byte) (int, error) {
	if l.events == 0 {
		return 0, errGone
	}
	taken := 0
	for _, event := range eventsOf(string(p)) {
		taken += len(event)
		if l.events--; l.events == 0 {
			l.leave()
			_, _ = l.ResponseRecorder.Write(p[:taken])
			return taken, errGone
		}
	}
	return l.ResponseRecorder.Write(p)
}

// count is how often the upstream was called.
func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.calls)
}

// gated answers when the gate is opened.
func gated(gate <-chan struct{}, answer func(context.Context, *provider.Call) (*http.Response, error)) func(context.Context, *provider.Call) (*http.Response, error) {
	return func(ctx context.Context, c *provider.Call) (*http.Response, error) {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return answer(ctx, c)
	}
}
