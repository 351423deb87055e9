package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/lease"
)

func newClaim(w *leaseWorld, key string) *tasks.Replay {
	now := time.Now().Truncate(time.Microsecond).UTC()
	return &tasks.Replay{
		Claim: tasks.ClaimOf(w.user, "/v1/chat/completions", key), Fingerprint: tasks.FingerprintOf([]byte(key)), TaskID: id.New(),
		UserID: w.user, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

// claim asks for a call in a node's name.
func (w *leaseWorld) claim(node lease.Session, c *tasks.Replay, want tasks.ClaimState) tasks.Replay {
	w.t.Helper()
	found, state, err := w.SharedReplays(node).ReplayClaim(w.t.Context(), c)
	w.ok(err)
	if state != want {
		w.t.Fatalf("the claim finds state %d, want %d", state, want)
	}
	return found
}

// answered is the settlement of a claimed call that cost amount.
func (w *leaseWorld) answered(l id.ID, c *tasks.Replay, body string) lease.Settlement {
	w.t.Helper()
	r := journal.Interrupted(w.open(5), &journal.Mark{Amount: 5}, time.Now())
	answer := *c
	answer.Status, answer.ContentType, answer.Body = 200, "application/json", []byte(body)
	r.Replay = &answer
	payload, err := r.MarshalBinary()
	w.ok(err)
	return lease.Settlement{Hold: r.Task.ID, Lease: l, Wallet: w.wallet, Amount: 5, Final: true, Payload: payload}
}

func TestOneNodeOfManyMakesACall(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	nodes := []lease.Session{w.node, w.register("two"), w.register("three")}
	var claimed atomic.Int64
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			// Of one node, its own memory lets one call ask; here each asks once.
			_, state, err := w.SharedReplays(lease.Session{Node: nodes[i%3].Node, Epoch: nodes[i%3].Epoch}).ReplayClaim(t.Context(), newClaim(w, string(rune('a'+i/3))))
			if err != nil {
				t.Error(err)
			}
			if state == tasks.Claimed {
				claimed.Add(1)
			}
		})
	}
	all.Wait()
	if claimed.Load() != 20 {
		t.Errorf("%d claims of 20 calls", claimed.Load())
	}
}

func TestTheAnswerComesWithTheFold(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	two := w.register("two")
	c := newClaim(w, "k")
	w.claim(w.node, c, tasks.Claimed)
	if found := w.claim(two, newClaim(w, "k"), tasks.Elsewhere); found.Fingerprint != c.Fingerprint || found.TaskID != c.TaskID {
		t.Errorf("%+v", found)
	}
	l := w.lend(w.node, 100)
	if fenced := w.settle(w.node, w.answered(l, c, "answer")); len(fenced) != 0 {
		t.Fatal("fenced")
	}
	if _, err := w.leases.Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := *c
	want.Status, want.ContentType, want.Body = 200, "application/json", []byte("answer")
	if d := cmp.Diff(want, w.claim(two, newClaim(w, "k"), tasks.Answered)); d != "" {
		t.Error(d)
	}
	w.ok(w.SharedReplays(w.node).ReplayRelease(t.Context(), c.Claim, c.TaskID))
	w.claim(two, newClaim(w, "k"), tasks.Answered)
}

func TestAReleasedClaimIsFree(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	two := w.register("two")
	c := newClaim(w, "k")
	w.claim(w.node, c, tasks.Claimed)
	w.ok(w.SharedReplays(two).ReplayRelease(t.Context(), c.Claim, id.New()))
	w.claim(two, newClaim(w, "k"), tasks.Elsewhere)
	w.ok(w.SharedReplays(w.node).ReplayRelease(t.Context(), c.Claim, c.TaskID))
	w.claim(two, newClaim(w, "k"), tasks.Claimed)
}

// TestTheClaimOfADeadNode is taken over only when the node cannot settle any more, and what it has settled counts.
func TestTheClaimOfADeadNode(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	two := w.register("two")
	paid, unpaid := newClaim(w, "paid"), newClaim(w, "unpaid")
	w.claim(w.node, paid, tasks.Claimed)
	w.claim(w.node, unpaid, tasks.Claimed)
	l := w.lend(w.node, 100)
	w.settle(w.node, w.answered(l, paid, "paid, not seen"))
	w.mustExec(t, "UPDATE node SET seen_at = 0 WHERE name = 'one'")
	w.claim(two, newClaim(w, "unpaid"), tasks.Elsewhere) // its lease is active
	w.expire(l)
	w.fence()
	if found := w.claim(two, newClaim(w, "paid"), tasks.Answered); string(found.Body) != "paid, not seen" {
		t.Errorf("%q", found.Body)
	}
	w.claim(two, newClaim(w, "unpaid"), tasks.Claimed)
	w.claim(w.register("three"), newClaim(w, "unpaid"), tasks.Elsewhere)
}

func TestANodeTakesOverWhatItHasLeft(t *testing.T) {
	t.Parallel()
	w := newLeaseWorld(t)
	w.claim(w.node, newClaim(w, "k"), tasks.Claimed)
	w.claim(w.node, newClaim(w, "k"), tasks.Claimed)
	expired := newClaim(w, "old")
	expired.ExpiresAt = expired.CreatedAt
	w.claim(w.node, expired, tasks.Claimed)
	w.claim(w.register("two"), newClaim(w, "old"), tasks.Claimed)
}
