package journal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// Journal hands records to a sink in batches, in the order in which they came. What arrives while a batch is being
// written forms the next one, so the batches grow with the load and a lone record waits for nothing.
//
// It uses the database itself as the journal: a record is durable when its batch's transaction has been committed.
type Journal struct {
	sink     Sink
	log      *slog.Logger
	maxBatch int
	backoff  time.Duration

	mu      sync.Mutex
	filling *batch
	backlog []*batch
	pending int
	failing error
	closed  bool

	wake chan struct{}
	done chan struct{}
}

// batch is a group of records with one fate.
type batch struct {
	records   []*Record
	committed chan struct{}
	err       error // set before committed is closed
}

// Options of a Journal.
type Options struct {
	Sink Sink
	Log  *slog.Logger
	// MaxBatch bounds a batch; 0 means 256.
	MaxBatch int
	// Backoff is the wait before a failed batch is tried again; 0 means 50 ms. It doubles with each try.
	Backoff time.Duration
}

const (
	defaultBatch = 256
	// maxPending bounds memory: beyond it no call is admitted until the sink has caught up.
	maxPending = 1 << 16
	// maxTries is how often a whole batch is written before the journal gives up for good. Each try is a transaction of
	// its own, so nothing is called durable because a repeated sync said so.
	maxTries = 5
)

// Start returns a running journal. Close ends it.
func Start(o Options) *Journal {
	j := &Journal{
		sink: o.Sink, log: o.Log, maxBatch: o.MaxBatch, backoff: o.Backoff,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if j.maxBatch == 0 {
		j.maxBatch = defaultBatch
	}
	if j.backoff == 0 {
		j.backoff = 50 * time.Millisecond
	}
	go j.run()
	return j
}

// Ticket stands for an appended record.
type Ticket struct{ batch *batch }

// Wait blocks until the record is durable. Codes: billing_unavailable when it could not be made so; the context's error
// when that ends first, which leaves the record's fate to the journal.
func (t Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.batch.committed:
		return t.batch.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Append takes a record. It never blocks; the record must not be changed afterwards.
func (j *Journal) Append(r *Record) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.filling
	if b == nil {
		b = &batch{committed: make(chan struct{})}
		j.filling = b
	}
	b.records = append(b.records, r)
	j.pending++
	if len(b.records) >= j.maxBatch {
		j.backlog, j.filling = append(j.backlog, b), nil
	}
	j.signal()
	return Ticket{b}
}

// Ready says whether calls may be admitted. Code: billing_unavailable.
func (j *Journal) Ready() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.failing != nil:
		return wallet.ErrBilling.Because(j.failing)
	case j.closed, j.pending > maxPending:
		return wallet.ErrBilling
	}
	return nil
}

// Flush waits until everything appended before is durable.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	last := j.filling
	if last == nil && len(j.backlog) > 0 {
		last = j.backlog[len(j.backlog)-1]
	}
	if last == nil && j.pending > 0 {
		// The only batch is being written. A batch behind it, empty, is committed after it.
		last = &batch{committed: make(chan struct{})}
		j.filling = last
		j.signal()
	}
	j.mu.Unlock()
	if last == nil {
		return j.Ready()
	}
	return Ticket{last}.Wait(ctx)
}

// Close writes what is left and stops. Records must not be appended afterwards.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	j.closed = true
	j.signal()
	j.mu.Unlock()
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *Journal) run() {
	defer close(j.done)
	for {
		b, closed := j.take()
		switch {
		case b != nil:
			j.write(b)
		case closed:
			return
		default:
			<-j.wake
		}
	}
}

// take returns the next batch to write, nil when there is none.
func (j *Journal) take() (b *batch, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.backlog) > 0 {
		b, j.backlog = j.backlog[0], j.backlog[1:]
		return b, j.closed
	}
	b, j.filling = j.filling, nil
	return b, j.closed
}

func (j *Journal) write(b *batch) {
	if len(b.records) > 0 {
		b.err = j.apply(b.records)
	}
	j.mu.Lock()
	j.pending -= len(b.records)
	j.mu.Unlock()
	close(b.committed)
}

func (j *Journal) apply(records []*Record) error {
	if failed := j.failed(); failed != nil {
		return wallet.ErrBilling.Because(failed)
	}
	wait := j.backoff
	for try := 1; ; try++ {
		err := j.sink.RecordsApply(context.Background(), records)
		if err == nil {
			return nil
		}
		j.log.Error("journal batch not written", "records", len(records), "try", try, "error", err)
		if try == maxTries {
			j.fail(err)
			return wallet.ErrBilling.Because(err)
		}
		<-time.After(wait)
		wait *= 2
	}
}

func (j *Journal) failed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failing
}

// fail stops admission for good: what could not be written is in memory only, and serving on would make it more.
func (j *Journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failing = err
}
