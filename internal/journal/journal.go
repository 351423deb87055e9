package journal

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Journal writes entries to files, many with one sync, and hands records to the sink once they are durable. It is the
// only writer of its folder. Its methods are safe for concurrent use and do no I/O.
type Journal struct {
	o Options

	mu      sync.Mutex
	filling *commit
	offset  int64 // where the next commit begins
	opens   opens
	backlog int // weight of the records that are not in the database yet
	failing error
	failed  chan struct{} // closed when failing is set
	closed  bool

	file     DiskFile
	size     int64
	segments []segment // oldest first; under mu

	wake    chan struct{}
	applier *applier
	done    chan struct{}
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
	// MaxBatch bounds how many records the sink is given at once; 0 means 256.
	MaxBatch int
	// Linger is how long records may wait for others before they are given to the sink together; 0 means 20 ms.
	Linger time.Duration
	// Backoff is the wait before a batch that the sink refused is tried again; 0 means 50 ms. It doubles with each try.
	Backoff time.Duration
}

const (
	defaultBatch   = 512
	defaultSegment = 64 << 20
	defaultBackoff = 50 * time.Millisecond
	defaultLinger  = 20 * time.Millisecond
	// maxBacklog bounds memory: beyond it no call is admitted until the database has caught up.
	maxBacklog = 1 << 16
	// chunkSize is when a commit goes on in another buffer, so that none is ever copied to grow.
	chunkSize = 256 << 10
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

// commit is a group of entries with one fate.
type commit struct {
	fate
	base    int64
	full    [][]byte // buffers before the one that is being filled
	buf     []byte
	records []*Record
	// position is what the sink may remember once it has the records.
	position Position
	// handed is closed when the applier has the records, or never will: later than fate, which may not even wait for the disk.
	handed chan struct{}
}

// fate is what becomes of a group of entries.
type fate struct {
	done chan struct{}
	err  error // set before done is closed
}

func newFate() fate { return fate{done: make(chan struct{})} }

// Ticket stands for an entry that was taken.
type Ticket struct{ fate *fate }

// Wait blocks until the entry is taken down as Ack says. Code: billing_unavailable when it could not be; the context's
// error when that ends first, which leaves the entry's fate to the journal.
func (t Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.fate.done:
		return t.fate.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done reports whether Wait would return at once.
func (t Ticket) Done() bool {
	select {
	case <-t.fate.done:
		return true
	default:
		return false
	}
}

// Open takes down that money was set aside.
func (j *Journal) Open(o *Open) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.begin()
	j.opens.add(o.Task.ID, c.base)
	buf, start := beginEntry(c.buf, kindOpen)
	c.buf = o.append(buf)
	endEntry(c.buf, start)
	return j.taken(c)
}

// Mark takes down what a stream has delivered.
func (j *Journal) Mark(m *Mark) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.begin()
	buf, start := beginEntry(c.buf, kindMark)
	c.buf = m.append(buf)
	endEntry(c.buf, start)
	return j.taken(c)
}

// Append takes down the end of a call. The record must not be changed afterwards.
func (j *Journal) Append(r *Record) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.begin()
	if r.Replay != nil {
		c.fit(r)
	}
	buf, start := beginEntry(c.buf, kindRecord)
	c.buf = r.append(buf)
	endEntry(c.buf, start)
	c.records = append(c.records, r)
	j.opens.remove(r.Task.ID)
	j.backlog += weight(r)
	return j.taken(c)
}

// begin returns the commit that is being filled.
func (j *Journal) begin() *commit {
	c := j.filling
	switch {
	case c == nil:
		c = &commit{fate: newFate(), base: j.offset, buf: spare()[:frameHeader], handed: make(chan struct{})}
		j.filling = c
	case len(c.buf) >= chunkSize:
		c.full, c.buf = append(c.full, c.buf), spare()
	}
	return c
}

// chunks are the commit's buffers in order; together they are one frame.
func (c *commit) chunks() [][]byte { return append(c.full, c.buf) }

func (c *commit) size() int64 {
	n := len(c.buf)
	for _, b := range c.full {
		n += len(b)
	}
	return int64(n)
}

func (j *Journal) taken(c *commit) Ticket {
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return Ticket{&c.fate}
}

// buffers have room behind chunkSize for the entry that reaches it.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, chunkSize+16<<10); return &b }}

func spare() []byte { return (*buffers.Get().(*[]byte))[:0] } //nolint:forcetypeassert // the pool holds nothing else

// giveBack keeps a buffer for later, unless an entry has made it much larger than others need.
func giveBack(b []byte) {
	if cap(b) <= 2*chunkSize {
		buffers.Put(&b)
	}
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

// Failed is closed when the journal has failed for good. The process should end then: only a new start, which reads what the
// disk really has, can serve again.
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// run is the one writer: it seals what has been filled, writes it, and makes it durable, until the journal is closed.
func (j *Journal) run() {
	defer close(j.done)
	for {
		c, closed := j.seal()
		switch {
		case c != nil:
			j.write(c)
		case closed:
			j.finish()
			return
		default:
			<-j.wake
		}
	}
}

// seal takes what has been filled, nil when there is nothing.
func (j *Journal) seal() (c *commit, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, j.filling = j.filling, nil
	if c != nil {
		j.offset = c.base + c.size()
		c.position = Position{Applied: j.offset, Replay: j.opens.oldest(j.offset)}
	}
	return c, j.closed
}

// write makes a commit durable and hands its records on. After a failure nothing is written any more: what a disk that
// failed says afterwards cannot be believed.
func (j *Journal) write(c *commit) {
	defer close(c.handed)
	chunks := c.chunks()
	sealFrame(c.base, chunks...)
	err := j.failure()
	if err == nil {
		err = j.put(c, chunks)
	}
	if err != nil {
		j.fail(err)
		c.resolve(wallet.ErrBilling.Because(err))
		return
	}
	c.resolve(nil)
	j.applier.give(c)
	for _, b := range chunks {
		giveBack(b)
	}
	c.full, c.buf = nil, nil
}

func (j *Journal) put(c *commit, chunks [][]byte) error {
	if j.file == nil || j.size >= j.o.SegmentSize {
		if err := j.rotate(c.base); err != nil {
			return err
		}
	}
	for _, b := range chunks {
		n, err := j.file.Write(b)
		j.size += int64(n)
		if err != nil {
			return err
		}
	}
	if j.o.Ack == Process {
		c.resolve(nil)
	}
	return j.file.Sync()
}

// resolve tells those who wait, once.
func (f *fate) resolve(err error) {
	select {
	case <-f.done:
	default:
		f.err = err
		close(f.done)
	}
}

func (j *Journal) rotate(base int64) error {
	if j.file != nil {
		if err := j.file.Close(); err != nil {
			return err
		}
	}
	s := segment{filepath.Join(j.o.Dir, segmentName(base)), base}
	f, err := j.o.Disk.Create(s.path)
	if err != nil {
		return err
	}
	j.file, j.size = f, 0
	j.mu.Lock()
	j.segments = append(j.segments, s)
	j.mu.Unlock()
	return nil
}

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
	t := j.taken(c)
	j.mu.Unlock()
	if err := t.Wait(ctx); err != nil {
		return err
	}
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
	select {
	case j.wake <- struct{}{}:
	default:
	}
	select {
	case <-j.done:
		return j.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) finish() {
	j.applier.close()
	if j.file != nil {
		if err := j.file.Close(); err != nil {
			j.fail(err)
		}
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
