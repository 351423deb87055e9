package journal

import (
	"path/filepath"
	"runtime"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

const (
	// lazily is how long an entry that nobody waits for may stay in memory.
	lazily = 5 * time.Millisecond
	// syncEvery is how long what was written may stay unsynced where callers do not wait for the disk: what a loss of power
	// can cost. Source: MONEY section 4, settle_ack.
	syncEvery = 50 * time.Millisecond
)

// signal wakes whoever listens; one signal is as good as many.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// taken makes sure that a commit will be written though nobody waits for it: soon, or at once.
func (j *Journal) taken(c *commit, now bool) Ticket {
	if now {
		signal(j.hurry)
	} else if !j.awake {
		j.awake = true
		signal(j.wake)
	}
	return Ticket{&c.fate, j, c}
}

// push writes what has been filled, and c with it. Who finds somebody else writing is taken along by run, which that one
// wakes.
func (j *Journal) push(c *commit) {
	if j.o.Ack == Process {
		// A write costs more than what it writes: calls that are as far as this one may join it. A sync takes so long that
		// they gather by themselves.
		runtime.Gosched()
		if c.isOver() {
			return
		}
	}
	if j.writing.TryLock() || j.await(c) && j.writing.TryLock() {
		j.lead()
	}
}

// lead writes what has been filled, has run write what somebody came to wait for meanwhile, and gives j.writing back.
func (j *Journal) lead() (closed bool) {
	closed = j.writeFilled()
	j.writing.Unlock()
	if j.isAwaited() {
		signal(j.hurry)
	}
	return closed
}

// await notes that somebody waits for c, and reports whether it is still to be written.
func (j *Journal) await(c *commit) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	c.waited = true
	return j.filling == c
}

// isAwaited reports whether somebody waits for what is being filled.
func (j *Journal) isAwaited() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.filling != nil && j.filling.waited
}

// run writes what nobody waits for, and what came while somebody else was writing, until the journal is closed.
func (j *Journal) run() {
	defer close(j.done)
	synced := make(chan struct{})
	if j.o.Ack == Process {
		go j.keepSynced(synced)
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-j.hurry:
		case <-j.wake:
			pause.Reset(lazily)
			select {
			case <-j.hurry:
			case <-pause.C:
			}
		}
		j.writing.Lock()
		if j.lead() {
			break
		}
	}
	close(j.dirty)
	if j.o.Ack == Process {
		<-synced
	}
	j.finish()
}

// seal takes what has been filled, nil when there is nothing.
func (j *Journal) seal() (c *commit, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.awake = false
	c, j.filling = j.filling, nil
	if c != nil {
		j.offset = c.base + c.size()
		c.position = Position{Applied: j.offset, Replay: j.opens.oldest(j.offset)}
	}
	return c, j.closed
}

// writeFilled writes what has been filled, and makes it durable where callers wait for that. After a failure nothing is
// written any more: what a disk that failed says afterwards cannot be believed. j.writing is held.
func (j *Journal) writeFilled() (closed bool) {
	c, closed := j.seal()
	if c == nil {
		return closed
	}
	err := j.failure()
	if err == nil {
		err = j.put(c)
	}
	j.mu.Lock()
	j.release(c)
	if err == nil {
		j.unsynced = append(j.unsynced, c)
	}
	j.mu.Unlock()
	switch {
	case err != nil:
		j.fail(err)
		c.resolve(wallet.ErrBilling.Because(err))
		c.handOver()
	case j.o.Ack == Process:
		c.resolve(nil)
		if !closed {
			signal(j.dirty)
		}
	default:
		j.sync()
	}
	return closed
}

// put writes a commit.
func (j *Journal) put(c *commit) error {
	chunks := c.chunks()
	sealFrame(c.base, j.durable.Load(), chunks...)
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
	return nil
}

// keepSynced syncs what was written, some time after it was, until the journal is closed.
func (j *Journal) keepSynced(ended chan<- struct{}) {
	defer close(ended)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for range j.dirty {
		pause.Reset(syncEvery)
		select {
		case <-pause.C:
		case <-j.flush:
		}
		j.sync()
	}
	j.sync()
}

// sync makes durable what is written, and hands its records on.
func (j *Journal) sync() {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	written := j.unsynced
	j.unsynced = nil
	j.mu.Unlock()
	if len(written) == 0 {
		return
	}
	err := j.failure()
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.fail(err)
		err = wallet.ErrBilling.Because(err)
	} else {
		j.durable.Store(written[len(written)-1].position.Applied)
		j.applier.give(written)
	}
	for _, c := range written {
		c.resolve(err)
		c.handOver()
	}
}

// rotate begins another file. j.writing is held.
func (j *Journal) rotate(base int64) error {
	if j.file != nil {
		j.sync()
		if err := j.failure(); err != nil {
			return err
		}
	}
	s := segment{filepath.Join(j.o.Dir, segmentName(base)), base}
	f, err := j.o.Disk.Create(s.path)
	if err != nil {
		return err
	}
	j.syncing.Lock()
	old := j.file
	j.file, j.size = f, 0
	j.syncing.Unlock()
	j.mu.Lock()
	j.segments = append(j.segments, s)
	j.mu.Unlock()
	if old != nil {
		return old.Close()
	}
	return nil
}

func (j *Journal) finish() {
	j.applier.close()
	if j.file != nil {
		if err := j.file.Close(); err != nil {
			j.fail(err)
		}
	}
}
