package storetest

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// keyed is a call of w.user with an idempotency key.
func (w *world) keyed(b books, key string, charged money.Amount) *journal.Record {
	r := w.record(b, charged, 0)
	r.Replay = &tasks.Replay{
		Claim: tasks.ClaimOf(w.user.ID, "/v1/chat/completions", key), Fingerprint: tasks.FingerprintOf([]byte(key)),
		TaskID: r.Task.ID, UserID: w.user.ID, Status: 200, ContentType: "application/json", Body: []byte("{\"\x00\xff\":1}"),
		CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour),
	}
	return r
}

// claim asks for a call a while after epoch.
func (w *world) claim(r *journal.Record, after time.Duration) (tasks.Replay, tasks.ClaimState) {
	w.t.Helper()
	again := *r.Replay
	again.TaskID, again.CreatedAt, again.ExpiresAt = id.New(), epoch.Add(after), epoch.Add(after+time.Hour)
	found, state, err := w.Replays().ReplayClaim(w.ctx, &again)
	w.ok(err)
	return found, state
}

func testReplays(_ *testing.T, w *world) {
	b := w.books()
	r := w.keyed(b, "one", 0)
	_, state := w.claim(r, time.Minute)
	same(w, "before the call", state, tasks.Claimed)
	w.apply(r, w.record(b, 0, 0))
	found, state := w.claim(r, time.Minute)
	same(w, "after it", state, tasks.Answered)
	same(w, "the answer", found, *r.Replay)

	second := *w.keyed(b, "one", 0)
	second.Replay.Body = []byte("another")
	w.apply(&second)
	found, _ = w.claim(r, time.Minute)
	same(w, "the first answer stays", found, *r.Replay)

	_, state = w.claim(r, time.Hour)
	same(w, "when it has expired", state, tasks.Claimed)
	later := w.keyed(b, "one", 0)
	later.Replay.CreatedAt, later.Replay.ExpiresAt = epoch.Add(2*time.Hour), epoch.Add(3*time.Hour)
	later.Replay.Body, later.Replay.Lost = nil, true
	w.apply(later)
	found, state = w.claim(r, 2*time.Hour)
	same(w, "an answer that was not kept", state, tasks.Answered)
	same(w, "what is known of it", found, *later.Replay)
}

// testReplaysWithTheCharge writes an answer with a charge that the ledger refuses: neither is there.
func testReplaysWithTheCharge(_ *testing.T, w *world) {
	b := w.books()
	r := w.keyed(b, "greedy", 5)
	if err := w.Journal().RecordsApply(w.ctx, []*journal.Record{r}, journal.Position{}); err == nil {
		w.t.Fatal("a charge without money was taken")
	}
	_, state := w.claim(r, time.Minute)
	same(w, "the answer of a charge that was refused", state, tasks.Claimed)
	w.posted(wallet.TransferGrant, b.grant, b.mine, 5)
	w.apply(r)
	w.apply(r)
	found, state := w.claim(r, time.Minute)
	same(w, "the answer of a charge that was taken", state, tasks.Answered)
	same(w, "it", found, *r.Replay)
}

func testReplaysForgotten(_ *testing.T, w *world) {
	b := w.books()
	for _, key := range []string{"a", "b", "c"} {
		w.apply(w.keyed(b, key, 0))
	}
	fresh := w.keyed(b, "fresh", 0)
	fresh.Replay.ExpiresAt = epoch.Add(2 * time.Hour)
	w.apply(fresh)
	for _, want := range []int{2, 1, 0} {
		found(w, "deleted", want)(w.Replays().ReplaysForget(w.ctx, epoch.Add(time.Hour), 2))
	}
	_, state := w.claim(fresh, time.Minute)
	same(w, "what has not expired", state, tasks.Answered)
}
