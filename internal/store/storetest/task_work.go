package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// acceptance is a call that is to be accepted and holds 40 of the books' wallet.
func (w *world) acceptance(b books) *tasks.Acceptance {
	r := w.record(b, 0, 0)
	r.Task.Status, r.Task.Async, r.Task.Held = tasks.Queued, true, 40
	return &tasks.Acceptance{Task: r.Task, Work: tasks.Work{
		TaskID: r.Task.ID, TenantID: w.tenant.ID, UserID: w.user.ID, WalletID: b.mine.ID, Currency: "USD", Amount: 40,
		Kind: inference.Chat, Dialect: inference.OpenAI, Path: "/v1/chat/completions", Header: map[string]string{"Host": "h"},
		Body: []byte(`{"model":"m"}`), Address: "192.0.2.1", CreatedAt: epoch,
	}}
}

func (w *world) accept(a *tasks.Acceptance) error {
	return w.in(func(t tx.Tx) error { return w.Tasks().WorkInsert(w.ctx, t, a) })
}

func (w *world) lock(task id.ID) (work tasks.Work, err error) {
	err = w.in(func(t tx.Tx) (err error) {
		work, err = w.Tasks().WorkLock(w.ctx, t, task)
		return err
	})
	return work, err
}

// heldOf is what durable holds keep of the books' wallet.
func (w *world) heldOf(b books) int64 {
	w.t.Helper()
	a, err := w.Wallet().AccountByID(w.ctx, nil, b.mine.ID)
	w.ok(err)
	return int64(a.Held)
}

func testTaskWork(t *testing.T, w *world) {
	t.Helper()
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 100)
	first, second, third := w.acceptance(b), w.acceptance(b), w.acceptance(b)
	first.Replay = &tasks.Replay{
		Claim: tasks.Digest{1}, Fingerprint: tasks.Digest{2}, TaskID: first.Task.ID, UserID: w.user.ID, Status: 202, CreatedAt: epoch,
		ExpiresAt: epoch.Add(time.Hour),
	}
	again := *first.Replay
	second.Replay, again.TaskID = &again, second.Task.ID
	w.ok(w.accept(first))
	if err := w.accept(second); !errors.Is(err, tasks.ErrRepeat) {
		t.Errorf("a key that is taken: %v", err)
	}
	second.Replay = nil
	w.ok(w.accept(second))
	if err := w.accept(third); !errors.Is(err, wallet.ErrInsufficient) || w.heldOf(b) != 80 {
		t.Errorf("a hold that is not covered: %v, held %d", err, w.heldOf(b))
	}
	if found, err := w.Tasks().ReplayByClaim(w.ctx, tasks.Digest{1}, epoch); err != nil || found.TaskID != first.Task.ID {
		t.Errorf("the key stands for %+v, %v", found, err)
	}
	work, err := w.lock(first.Task.ID)
	w.ok(err)
	if diff := cmp.Diff(first.Work, work); diff != "" {
		t.Errorf("stored work (-want +got)\n%s", diff)
	}
	if err := w.in(func(t tx.Tx) error { return w.Tasks().WorkGrow(w.ctx, t, &work, 21) }); !errors.Is(err, wallet.ErrInsufficient) {
		t.Errorf("a hold that cannot grow: %v", err)
	}
	w.must(func(t tx.Tx) error { return w.Tasks().WorkGrow(w.ctx, t, &work, 20) })
	if work, err = w.lock(first.Task.ID); err != nil || work.Amount != 60 || w.heldOf(b) != 100 {
		t.Errorf("a hold that grew: %d, held %d, %v", work.Amount, w.heldOf(b), err)
	}
	w.endTask(b, first, &work)
	if _, err := w.lock(first.Task.ID); !errors.Is(err, fault.ErrNotFound) || w.heldOf(b) != 40 {
		t.Errorf("an ended task: %v, held %d", err, w.heldOf(b))
	}
	audit, err := w.Wallet().Verify(w.ctx)
	w.ok(err)
	for _, c := range audit.Checks {
		if c.Wrong > 0 && c.Name != "lines" && c.Name != "charges" { // the world's calls have no bill, its grants name tasks
			t.Errorf("%+v", c)
		}
	}
}

// endTask ends a task with a charge of 5.
func (w *world) endTask(b books, a *tasks.Acceptance, work *tasks.Work) {
	w.t.Helper()
	r := w.record(b, 5, 0)
	s := &tasks.Settlement{Task: r.Task, Transfers: r.Transfers}
	s.Task.ID, s.Task.Status, s.Task.Result = a.Task.ID, tasks.Succeeded, []byte(`{"id":"x"}`)
	for i := range s.Transfers {
		s.Transfers[i].RefID = a.Task.ID.String()
	}
	w.must(func(t tx.Tx) error { return w.Tasks().WorkEnd(w.ctx, t, work, s) })
	stored, err := w.Tasks().TaskByID(w.ctx, w.user.ID, a.Task.ID)
	w.ok(err)
	if stored.Status != tasks.Succeeded || stored.Charged != r.Task.Charged || string(stored.Result) != `{"id":"x"}` || !stored.Async {
		w.t.Errorf("ended as %+v", stored)
	}
}

// testTaskWaiting counts what waits, by model: a task that was taken does not, one that was given back does again.
func testTaskWaiting(t *testing.T, w *world) {
	t.Helper()
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 160)
	one, other := id.New(), id.New()
	var first tasks.Task
	for _, model := range []id.ID{one, one, other, {}} {
		a := w.acceptance(b)
		a.Task.PlatformModelID = model
		w.ok(w.accept(a))
		if first.ID.IsZero() {
			first = a.Task
		}
	}
	for _, c := range []struct {
		status tasks.Status
		want   map[id.ID]int64
	}{
		{tasks.Queued, map[id.ID]int64{one: 2, other: 1}},
		{tasks.Running, map[id.ID]int64{one: 1, other: 1}},
		{tasks.Queued, map[id.ID]int64{one: 2, other: 1}},
	} {
		first.Status = c.status
		w.must(func(t tx.Tx) error { return w.Tasks().TaskMove(w.ctx, t, &first) })
		got, err := w.Tasks().WorkWaiting(w.ctx)
		w.ok(err)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("with the first %s (-want +got)\n%s", c.status, diff)
		}
	}
}

func testTaskLeases(t *testing.T, w *world) {
	t.Helper()
	b := w.books()
	w.posted(wallet.TransferGrant, b.grant, b.mine, 100)
	a := w.acceptance(b)
	w.ok(w.accept(a))
	task, of := a.Task.ID, []id.ID{a.Task.ID}
	take := func(lease time.Duration) {
		t.Helper()
		w.must(func(t tx.Tx) error {
			work, err := w.Tasks().WorkLock(w.ctx, t, task)
			if err != nil {
				return err
			}
			work.Node, work.Canceling, work.Sent = "one", true, &tasks.Sent{Key: "k", Job: true}
			work.Run++
			return w.Tasks().WorkUpdate(w.ctx, t, &work, lease)
		})
	}
	lost := func() int {
		t.Helper()
		found, err := w.Tasks().WorkLost(w.ctx, 9)
		w.ok(err)
		return len(found)
	}
	take(time.Hour)
	work, err := w.lock(task)
	w.ok(err)
	if !work.Live || work.Run != 1 || work.Sent == nil || work.Sent.Key != "k" || lost() != 0 {
		t.Errorf("taken: %+v, %d lost", work, lost())
	}
	if canceling, err := w.Tasks().WorkBeat(w.ctx, "one", of, time.Hour); err != nil || len(canceling) != 1 {
		t.Errorf("a beat tells of %v, %v", canceling, err)
	}
	if gone, err := w.Tasks().WorkElsewhere(w.ctx, "one", append(of, id.New())); err != nil || len(gone) != 1 {
		t.Errorf("elsewhere as its node sees it: %v, %v", gone, err)
	}
	if gone, err := w.Tasks().WorkElsewhere(w.ctx, "two", of); err != nil || len(gone) != 1 {
		t.Errorf("elsewhere as another sees it: %v, %v", gone, err)
	}
	for node, want := range map[string]int{"one": 1, "two": 0} {
		here, err := w.Tasks().WorkHere(w.ctx, node, id.ID{}, 10)
		if err != nil || len(here) != want || want == 1 && (here[0].TaskID != task || here[0].Amount != work.Amount || here[0].Body != nil) {
			t.Errorf("what node %s must remember: %+v, %v", node, here, err)
		}
	}
	if rest, err := w.Tasks().WorkHere(w.ctx, "one", task, 10); err != nil || len(rest) != 0 {
		t.Errorf("behind the last: %+v, %v", rest, err)
	}
	w.ok(w.Tasks().WorkDrop(w.ctx, "two"))
	if lost() != 0 {
		t.Error("another node's tasks were dropped")
	}
	w.ok(w.Tasks().WorkDrop(w.ctx, "one"))
	if work, err = w.lock(task); err != nil || work.Live || lost() != 1 {
		t.Errorf("dropped: %+v, %v, %d lost", work, err, lost())
	}
	take(0)
	if work, err = w.lock(task); err != nil || work.Live || lost() != 0 {
		t.Errorf("given back: %+v, %v, %d lost", work, err, lost())
	}
}
