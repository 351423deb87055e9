package journal

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Journal writes entries to files, many with one sync, and hands records to the sink once they are durable. It is the
// only writer of its folder. Its methods are safe for concurrent use and do no I/O; waiting for a ticket may.
type Journal struct {
	o Options

	mu       sync.Mutex
	filling  *commit
	offset   int64 // where the next commit begins
	opens    opens
	backlog  int // weight of the records that are not in the database yet
	failing  error
	failed   chan struct{} // closed when failing is set
	closed   bool
	segments []segment // oldest first
	unsynced []*commit // written, in order
	spares   [][]byte  // buffers that nobody uses
	awake    bool      // run was woken and has not sealed yet

	// writing is held by whoever writes a commit. file changes while both locks are held.
	writing sync.Mutex
	syncing sync.Mutex
	file    DiskFile
	size    int64
	durable atomic.Int64 // offset below which everything is synced

	wake    chan struct{} // something was taken
	hurry   chan struct{} // somebody waits for it
	dirty   chan struct{} // something was written and is not synced
	flush   chan struct{} // somebody waits for the sync
	applier *applier
	done    chan struct{}
}

// newJournal returns a journal that begins at an offset, and starts it.
func newJournal(o Options, offset int64) *Journal {
	signal := func() chan struct{} { return make(chan struct{}, 1) }
	j := &Journal{
		o: o, offset: offset, failed: make(chan struct{}), wake: signal(), hurry: signal(), dirty: signal(), flush: signal(),
		done: make(chan struct{}),
	}
	j.durable.Store(offset)
	j.applier = newApplier(o, j.applied, j.fail)
	go j.run()
	return j
}

// Ack says when an entry counts as taken down.
type Ack string

// The acknowledgements. Durable survives power loss; Process survives the death of the process, not of the machine.
const (
	Durable Ack = "durable"
	Process Ack = "process"
)

// Options of a Journal.
type Options struct {
	Dir  string
	Disk Disk
	Sink Sink
	Log  *slog.Logger
	Ack  Ack
	// SegmentSize is when a new file is begun; 0 means 64 MiB.
	SegmentSize int64
	// MaxBatch bounds how many records the sink is given at once; 0 means 512.
	MaxBatch int
	// Linger is how long records may wait for others before they are given to the sink together; 0 means 200 ms.
	Linger time.Duration
	// Backoff is the wait before a batch that the sink refused is tried again; 0 means 50 ms. It doubles with each try.
	Backoff time.Duration
}

const (
	defaultBatch   = 512
	defaultSegment = 64 << 20
	defaultBackoff = 50 * time.Millisecond
	defaultLinger  = 200 * time.Millisecond
	// maxBacklog bounds memory: beyond it no call is admitted until the database has caught up.
	maxBacklog = 1 << 16
)

func (o Options) normal() Options {
	if o.Disk == nil {
		o.Disk = OSDisk{}
	}
	if o.Ack == "" {
		o.Ack = Durable
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = defaultSegment
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = defaultBatch
	}
	if o.Linger == 0 {
		o.Linger = defaultLinger
	}
	if o.Backoff == 0 {
		o.Backoff = defaultBackoff
	}
	return o
}

// Open takes down that money was set aside. It does not keep o.
func (j *Journal) Open(o *Open) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.begin()
	j.opens.add(o.Task.ID, c.base)
	buf, start := beginEntry(c.buf, kindOpen)
	c.buf = o.append(buf)
	endEntry(c.buf, start)
	return j.taken(c, false)
}

// Mark takes down what a stream has delivered.
func (j *Journal) Mark(m *Mark) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.begin()
	buf, start := beginEntry(c.buf, kindMark)
	c.buf = m.append(buf)
	endEntry(c.buf, start)
	return j.taken(c, j.o.Ack == Durable) // a sync takes its time: it should be over when the stream asks for it
}

// Append takes down the end of a call. The record must not be changed afterwards.
func (j *Journal) Append(r *Record) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.begin()
	if r.Replay != nil || r.Kept != nil {
		c.fit(r)
	}
	buf, start := beginEntry(c.buf, kindRecord)
	c.buf = r.append(buf)
	endEntry(c.buf, start)
	c.records = append(c.records, r)
	j.opens.remove(r.Task.ID)
	j.backlog += weight(r)
	return j.taken(c, false)
}

// Ready says whether calls may be admitted. Code: billing_unavailable.
func (j *Journal) Ready() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.failing != nil:
		return wallet.ErrBilling.Because(j.failing)
	case j.closed, j.backlog > maxBacklog:
		return wallet.ErrBilling
	}
	return nil
}

// Prompt reports whether an entry is taken down as soon as it is written.
func (j *Journal) Prompt() bool { return j.o.Ack == Process }

// Failed is closed when the journal has failed for good. The process should end then: only a new start, which reads what the
// disk really has, can serve again.
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// clean deletes the segments that nobody will read again: those that end before replay.
func (j *Journal) clean(replay int64) {
	j.mu.Lock()
	var old []segment
	for len(j.segments) > 1 && j.segments[1].base <= replay {
		old, j.segments = append(old, j.segments[0]), j.segments[1:]
	}
	j.mu.Unlock()
	for _, s := range old {
		if err := j.o.Disk.Remove(s.path); err != nil {
			j.o.Log.Warn("journal segment not removed", "segment", s.base, "error", err)
		}
	}
}

func (j *Journal) failure() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failing
}

// fail stops admission for good.
func (j *Journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failing == nil {
		j.failing = err
		close(j.failed)
		j.o.Log.Error("journal failed: no call is admitted any more", "error", err)
	}
}

// applied is told by the applier which records the database now has, and how far it got.
func (j *Journal) applied(records []*Record, p Position) {
	j.mu.Lock()
	for _, r := range records {
		j.backlog -= weight(r)
	}
	j.mu.Unlock()
	j.clean(p.Replay)
}

// Flush waits until everything taken before is in the database.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	c := j.begin()
	if c.handed == nil {
		c.handed = make(chan struct{})
	}
	t := j.taken(c, false)
	j.mu.Unlock()
	if err := t.Wait(ctx); err != nil {
		return err
	}
	signal(j.flush)
	select {
	case <-c.handed:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := j.failure(); err != nil {
		return wallet.ErrBilling.Because(err)
	}
	return j.applier.flush(ctx)
}

// Close writes what is left, to the files and to the database, and stops. Nothing may be taken down afterwards.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	signal(j.hurry)
	signal(j.wake)
	select {
	case <-j.done:
		return j.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// opens knows where the oldest call that is open was taken down. Calls are added in the order of the journal.
type opens struct {
	queue []openAt
	live  map[id.ID]int64
}

type openAt struct {
	task id.ID
	base int64
}

func (o *opens) add(task id.ID, base int64) {
	if o.live == nil {
		o.live = map[id.ID]int64{}
	}
	o.live[task] = base
	o.queue = append(o.queue, openAt{task, base})
}

func (o *opens) remove(task id.ID) { delete(o.live, task) }

// oldest returns where the oldest open call was taken down, or otherwise.
func (o *opens) oldest(otherwise int64) int64 {
	for len(o.queue) > 0 {
		first := o.queue[0]
		if base, ok := o.live[first.task]; ok && base == first.base {
			return first.base
		}
		o.queue = o.queue[1:]
	}
	return otherwise
}
