package journal

import (
	"context"
	"sync"
)

// commit is a group of entries with one fate.
type commit struct {
	fate

	base    int64
	full    [][]byte // buffers before the one that is being filled
	buf     []byte
	records []*Record
	// waited says that somebody waits for the commit to be written.
	waited bool
	// position is what the sink may remember once it has the records.
	position Position
	// handed is closed when the applier has the records, or never will: later than fate, which may not even wait for the
	// disk. It is nil where nobody asked.
	handed chan struct{}
}

const (
	// chunkSize is when a commit goes on in another buffer, so that none is ever copied to grow.
	chunkSize = 256 << 10
	// maxSpares is how many buffers are kept for later.
	maxSpares = 4
)

// begin returns the commit that is being filled.
func (j *Journal) begin() *commit {
	c := j.filling
	switch {
	case c == nil:
		c = &commit{base: j.offset, buf: j.spare()[:frameHeader]}
		j.filling = c
	case len(c.buf) >= chunkSize:
		c.full, c.buf = append(c.full, c.buf), j.spare()
	}
	return c
}

// spare returns an empty buffer with room behind chunkSize for the entry that reaches it.
func (j *Journal) spare() []byte {
	if n := len(j.spares); n > 0 {
		b := j.spares[n-1]
		j.spares = j.spares[:n-1]
		return b
	}
	return make([]byte, 0, chunkSize+16<<10)
}

// release gives the buffers of a written commit back, but those that an entry has made much larger than others need.
func (j *Journal) release(c *commit) {
	for _, b := range append(c.full, c.buf) {
		if len(j.spares) < maxSpares && cap(b) <= 2*chunkSize {
			j.spares = append(j.spares, b[:0])
		}
	}
	c.full, c.buf = nil, nil
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

// handOver tells who asked that the applier has the records, or that the disk lost them.
func (c *commit) handOver() {
	if c.handed != nil {
		close(c.handed)
	}
}

// fate is what becomes of a group of entries.
type fate struct {
	mu   sync.Mutex
	over bool
	err  error
	done chan struct{} // made for the first who waits
}

// resolve tells those who wait, once.
func (f *fate) resolve(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.over, f.err = true, err
	if f.done != nil {
		close(f.done)
	}
}

func (f *fate) isOver() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

// known returns what is closed when the fate is known, nil when it is already.
func (f *fate) known() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return nil
	}
	if f.done == nil {
		f.done = make(chan struct{})
	}
	return f.done
}

// Ticket stands for an entry that was taken.
type Ticket struct {
	fate    *fate
	journal *Journal // nil where the entry goes elsewhere
	commit  *commit
}

// Push writes the entry now, in the caller's goroutine, if nobody else is writing; those who do take it along. Waiting
// does the same; pushing first tells whether there is anything to wait for.
func (t Ticket) Push() {
	if t.journal != nil && !t.fate.isOver() {
		t.journal.push(t.commit)
	}
}

// Wait blocks until the entry is taken down as Ack says. Code: billing_unavailable when it could not be; the context's
// error when that ends first, which leaves the entry's fate to the journal.
func (t Ticket) Wait(ctx context.Context) error {
	t.Push()
	done := t.fate.known()
	if done == nil {
		return t.fate.err
	}
	select {
	case <-done:
		return t.fate.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done reports whether Wait would return at once.
func (t Ticket) Done() bool { return t.fate.isOver() }
