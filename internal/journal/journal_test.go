package journal_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// sink remembers batches; fail makes the next writes fail, gate holds writes back.
type sink struct {
	mu      sync.Mutex
	batches [][]*journal.Record
	fail    int
	gate    chan struct{}
}

func (s *sink) RecordsApply(_ context.Context, b []*journal.Record) error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return errors.New("disk")
	}
	s.batches = append(s.batches, b)
	return nil
}

func record() *journal.Record {
	r := &journal.Record{}
	r.Task.ID = id.New()
	return r
}

func start(s *sink) *journal.Journal {
	return journal.Start(journal.Options{Sink: s, Log: slog.New(slog.DiscardHandler), MaxBatch: 4})
}

func TestBatchesFormBehindAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		j := start(s)
		first := j.Append(record())
		synctest.Wait() // the first record is being written
		var last journal.Ticket
		for range 6 {
			last = j.Append(record())
		}
		close(s.gate)
		if err := errors.Join(first.Wait(t.Context()), last.Wait(t.Context())); err != nil {
			t.Fatal(err)
		}
		var sizes []int
		for _, b := range s.batches {
			sizes = append(sizes, len(b))
		}
		if len(sizes) != 3 || sizes[0] != 1 || sizes[1] != 4 || sizes[2] != 2 {
			t.Errorf("batches of %v, want 1 4 2", sizes)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFlushWaitsForTheWriteUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		j := start(s)
		j.Append(record())
		synctest.Wait()
		flushed := make(chan error, 1)
		go func() { flushed <- j.Flush(t.Context()) }()
		synctest.Wait()
		if len(flushed) > 0 {
			t.Fatal("flushed before the write was done")
		}
		close(s.gate)
		if err := <-flushed; err != nil {
			t.Fatal(err)
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = j.Close(t.Context())
	})
}

func TestPassingFaultIsOvercome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fail: 3}
		j := start(s)
		if err := j.Append(record()).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := j.Ready(); err != nil {
			t.Error(err)
		}
		_ = j.Close(t.Context())
	})
}

func TestLastingFaultStopsAdmission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fail: 1000}
		j := start(s)
		if err := j.Append(record()).Wait(t.Context()); !errors.Is(err, wallet.ErrBilling) {
			t.Errorf("ticket: %v", err)
		}
		if err := j.Ready(); !errors.Is(err, wallet.ErrBilling) {
			t.Errorf("ready: %v", err)
		}
		if err := j.Append(record()).Wait(t.Context()); !errors.Is(err, wallet.ErrBilling) {
			t.Errorf("later ticket: %v", err)
		}
		_ = j.Close(t.Context())
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		j := start(s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := j.Append(record()).Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		close(s.gate)
		_ = j.Close(t.Context())
	})
}
