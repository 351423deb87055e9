package relay

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// replays are the tapes in memory, by claim. Its lock is taken before that of a tape.
type replays struct {
	Replay

	now      clock.Clock
	draining atomic.Bool

	mu    sync.Mutex
	tapes map[tasks.Digest]*tape
	ended list.List // of tapes whose bytes are here, in the order in which they ended
	gone  []*tape   // whose bytes are not, and may be on their way to the store
	used  int64     // bytes of all tapes
	live  int64     // of those whose call is under way
}

// tapeSize is about what a tape takes besides its bytes.
const tapeSize = 1 << 10

func newReplays(o Replay, now clock.Clock) *replays {
	return &replays{Replay: o, now: now, tapes: map[tasks.Digest]*tape{}}
}

// enter returns the tape of a claim with the caller as a listener. first says that there was none: then the caller must
// have it written.
func (b *replays) enter(claim tasks.Digest) (t *tape, l *listener, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t = b.tapes[claim]
	if t == nil || t.useless(b.now()) {
		t = &tape{book: b, claim: claim, header: map[string][]string{}, size: tapeSize, flush: t != nil}
		b.tapes[claim] = t
		b.used += t.size
		b.live += t.size
		first = true
	}
	return t, t.attach(), first
}

// take makes room for n more bytes of a tape, at the cost of the oldest that nobody follows. Error: errTapeFull, unless it
// is forced.
func (b *replays) take(t *tape, n int64, force bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.evict(n)
	if !force && (b.used+n > b.MemoryBytes || t.size+n > maxTape) {
		return errTapeFull
	}
	t.size += n
	b.used += n
	b.live += n
	return nil
}

// room reports whether another call may be begun: those under way need what they will still write.
func (b *replays) room() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.live <= b.MemoryBytes/2
}

// evict forgets the bytes of ended tapes, the oldest first, until there is room for n more.
func (b *replays) evict(n int64) {
	b.forget(func(*tape) bool { return b.used+n > b.MemoryBytes }, func(t *tape) { b.gone = append(b.gone, t) })
}

// forget goes through ended tapes, the oldest first, while they are unwanted, and takes away those that nobody follows.
func (b *replays) forget(unwanted func(*tape) bool, took func(*tape)) {
	for e := b.ended.Front(); e != nil; {
		t := e.Value.(*tape) //nolint:forcetypeassert // the list holds nothing else
		if !unwanted(t) {
			return
		}
		next := e.Next()
		if t.evict() {
			b.used -= t.size
			b.ended.Remove(e)
			took(t)
		}
		e = next
	}
}

// keep holds on to a tape whose answer is stored, or is too large to be.
func (b *replays) keep(t *tape) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live -= t.size
	b.ended.PushBack(t)
	b.evict(0)
}

// drop forgets a tape: a repeat is another call. With unsure, what became of this one must be looked up before.
func (b *replays) drop(t *tape, unsure bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live -= t.size
	b.used -= t.size
	if unsure {
		t.forget()
		b.gone = append(b.gone, t)
		return
	}
	b.remove(t)
}

func (b *replays) remove(t *tape) {
	if b.tapes[t.claim] == t {
		delete(b.tapes, t.claim)
	}
}

// tidy forgets what has expired, and those evicted tapes whose answers are in the store by now.
func (b *replays) tidy(ctx context.Context) error {
	gone := b.expire()
	if len(gone) == 0 {
		return nil
	}
	err := b.Flush(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.gone = append(b.gone, gone...)
		return err
	}
	for _, t := range gone {
		b.remove(t)
	}
	return nil
}

// expire forgets what has expired and hands over the evicted tapes.
func (b *replays) expire() (gone []*tape) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.forget(func(t *tape) bool { return t.useless(now) }, b.remove)
	gone, b.gone = b.gone, nil
	return gone
}

// drain ends calls that nobody listens to, now and from now on.
func (b *replays) drain() {
	b.draining.Store(true)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tapes {
		t.endUnheard()
	}
}
