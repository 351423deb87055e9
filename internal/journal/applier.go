package journal

import (
	"context"
	"sync"
	"time"
)

// applier folds durable records into the database, in their order, many in one transaction.
type applier struct {
	o       Options
	applied func(records []*Record, p Position)
	failed  func(error)

	mu     sync.Mutex
	queue  []*commit
	waits  []chan struct{} // closed when the queue has been applied
	closed bool
	broken error

	wake chan struct{}
	done chan struct{}
}

func newApplier(o Options, applied func([]*Record, Position), failed func(error)) *applier {
	a := &applier{o: o, applied: applied, failed: failed, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go a.run()
	return a
}

// give takes over durable commits.
func (a *applier) give(durable []*commit) {
	a.mu.Lock()
	a.queue = append(a.queue, durable...)
	a.mu.Unlock()
	a.signal()
}

func (a *applier) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *applier) run() {
	defer close(a.done)
	for {
		a.gather()
		batch, waits, closed := a.take()
		switch {
		case len(batch) > 0:
			a.apply(batch)
		case len(waits) > 0:
			for _, w := range waits {
				close(w)
			}
		case closed:
			return
		default:
			<-a.wake
		}
	}
}

// gather lets a small queue grow for a moment: the records are durable already, and a transaction costs the database much
// the same for one as for hundreds. Whoever waits for the queue is not kept waiting.
func (a *applier) gather() {
	deadline := time.NewTimer(a.o.Linger)
	defer deadline.Stop()
	for a.growing() {
		select {
		case <-a.wake:
		case <-deadline.C:
			return
		}
	}
}

// growing reports whether it is worth waiting for more.
func (a *applier) growing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 || a.closed || len(a.waits) > 0 {
		return false
	}
	records := 0
	for _, c := range a.queue {
		records += len(c.records)
	}
	return records < a.o.MaxBatch
}

// take returns the next commits to apply together; when there are none, who waits for that.
func (a *applier) take() (batch []*commit, waits []chan struct{}, closed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	records := 0
	for len(a.queue) > 0 && (len(batch) == 0 || records+len(a.queue[0].records) <= a.o.MaxBatch) {
		records += len(a.queue[0].records)
		batch, a.queue = append(batch, a.queue[0]), a.queue[1:]
	}
	if len(batch) == 0 {
		waits, a.waits = a.waits, nil
	}
	return batch, waits, a.closed
}

// apply writes commits to the database. The journal has them, so a database that is away is waited for; admission stops
// by itself when the backlog grows.
func (a *applier) apply(batch []*commit) {
	var records []*Record
	for _, c := range batch {
		records = append(records, c.records...)
	}
	position := batch[len(batch)-1].position
	for wait := a.o.Backoff; len(records) > 0; wait = min(2*wait, time.Second) {
		err := a.o.Sink.RecordsApply(context.Background(), records, position)
		if err == nil {
			break
		}
		a.o.Log.Error("journal not applied", "records", len(records), "error", err)
		if a.isClosed() {
			// The files keep what the database did not take; the next start applies it.
			a.fail(err)
			return
		}
		<-time.After(wait)
	}
	if len(records) > 0 {
		a.applied(records, position)
	}
}

func (a *applier) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

func (a *applier) fail(err error) {
	a.mu.Lock()
	a.broken = err
	a.mu.Unlock()
	a.failed(err)
}

// flush waits until everything given is applied.
func (a *applier) flush(ctx context.Context) error {
	w := make(chan struct{})
	a.mu.Lock()
	a.waits = append(a.waits, w)
	a.mu.Unlock()
	a.signal()
	select {
	case <-w:
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.broken
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close applies what is left and stops.
func (a *applier) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.signal()
	<-a.done
}
