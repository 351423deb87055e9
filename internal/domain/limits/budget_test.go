package limits_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/limits/limitstest"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// noon is a Saturday in UTC, and eight in the evening in Shanghai.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func scopeOf(k limits.Kind) limits.Scope { return limits.Scope{Kind: k, ID: id.New()} }

func quota(t interface{ Fatal(...any) }, s limits.Scope, text string) limits.Subject {
	q, err := limits.ParseQuota("quotaPolicy", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return limits.Subject{Scope: s, Policy: limits.Policy{Quota: q}}
}

type world struct {
	*limits.Budgets

	store limitstest.Store
	clock *clock.Manual
	mu    sync.Mutex
	heard []any
}

func newWorld() *world {
	w := &world{clock: clock.NewManual(noon)}
	w.restart()
	return w
}

func (w *world) restart() {
	w.Budgets = limits.NewBudgets(limits.BudgetOptions{Usage: &w.store, Now: w.clock.Now, Notify: func(e any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.heard = append(w.heard, e)
	}})
}

func (w *world) reserve(
	ctx context.Context, at time.Time, subjects []limits.Subject, c money.Currency, amount money.Amount,
) (r limits.Reservation, err error) {
	err = w.Reserve(ctx, &r, at, subjects, c, amount)
	return r, err
}

// call reserves most and settles cost, in memory and in storage as the journal would.
func (w *world) call(t *testing.T, most, cost money.Amount, subjects ...limits.Subject) error {
	t.Helper()
	at := w.clock.Now()
	r, err := w.reserve(t.Context(), at, subjects, money.USD, most)
	if err != nil {
		return err
	}
	r.Settle(cost)
	r.Settle(cost) // a reservation ends once
	r.Release()
	for _, s := range subjects {
		w.store.Capture(at, money.USD, cost, s.Scope)
	}
	return nil
}

func refused(t *testing.T, err error, status int, wait time.Duration, words ...string) {
	t.Helper()
	f := fault.From(err)
	if f == nil || !errors.Is(err, limits.ErrQuota) || f.Status != status || f.RetryAfter != wait {
		t.Fatalf("error = %+v, want quota_exceeded with %d after %v", f, status, wait)
	}
	for _, word := range words {
		if !strings.Contains(f.Message, word) {
			t.Errorf("message %q does not say %q", f.Message, word)
		}
	}
}

func TestQuotaCountsUsedAndReserved(t *testing.T) {
	t.Parallel()
	w := newWorld()
	key := quota(t, scopeOf(limits.KindKey), `{"currency":"USD","total":"0.000000100"}`)
	open, err := w.reserve(t.Context(), noon, []limits.Subject{key}, money.USD, 60)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, w.call(t, 41, 0, key), 402, 0, "API key")
	if err := w.call(t, 40, 10, key); err != nil {
		t.Fatal(err)
	}
	open.Release()
	if err := w.call(t, 90, 90, key); err != nil {
		t.Fatal(err)
	}
	refused(t, w.call(t, 1, 0, key), 402, 0)
	if err := w.call(t, 0, 0, key); err != nil {
		t.Errorf("a call that costs nothing: %v", err)
	}
	if other, err := w.reserve(t.Context(), noon, []limits.Subject{key}, money.SIM, 1000); err != nil {
		t.Errorf("another currency: %v", err)
	} else {
		other.Release()
	}
	if w.Reserved() != 0 {
		t.Errorf("%d reserved at rest", w.Reserved())
	}
}

func TestQuotaPeriodsBeginInTheirTimeZone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	user := quota(t, scopeOf(limits.KindUser), `{"currency":"USD","day":"0.000000010","month":"0.000000025","timeZone":"+08:00"}`)
	if err := w.call(t, 10, 10, user); err != nil {
		t.Fatal(err)
	}
	refused(t, w.call(t, 1, 1, user), 429, 4*time.Hour, "user", "today") // midnight in Shanghai
	w.clock.Advance(4*time.Hour - 1)
	refused(t, w.call(t, 1, 1, user), 429, 1)
	w.clock.Advance(1)
	if err := w.call(t, 10, 10, user); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(24 * time.Hour)
	refused(t, w.call(t, 6, 6, user), 429, time.Date(2026, 3, 31, 16, 0, 0, 0, time.UTC).Sub(w.clock.Now()), "month")
	w.restart()
	refused(t, w.call(t, 6, 6, user), 429, time.Date(2026, 3, 31, 16, 0, 0, 0, time.UTC).Sub(w.clock.Now()), "month")
	if err := w.call(t, 5, 5, user); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(17 * 24 * time.Hour)
	if err := w.call(t, 10, 10, user); err != nil {
		t.Errorf("in the next month: %v", err)
	}
}

func TestQuotaIsReservedEverywhereOrNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld()
	wide := quota(t, scopeOf(limits.KindTenant), `{"currency":"USD","day":"1"}`)
	narrow := quota(t, scopeOf(limits.KindGroup), `{"currency":"USD","total":"0.000000005"}`)
	refused(t, w.call(t, 6, 6, wide, narrow), 402, 0, "user group")
	if state, _ := w.State(wide.Scope, money.USD); state.Reserved[limits.Day] != 0 || state.Used[limits.Day] != 0 {
		t.Errorf("a refused call is counted: %+v", state)
	}
	if left, ok, err := w.Affordable(t.Context(), noon, []limits.Subject{wide, narrow}, money.USD); left != 5 || !ok || err != nil {
		t.Errorf("affordable: %v %v %v", left, ok, err)
	}
	if _, ok, err := w.Affordable(t.Context(), noon, []limits.Subject{wide, narrow}, money.SIM); ok || err != nil {
		t.Errorf("affordable in a currency without quota: %v %v", ok, err)
	}
}

// TestCallOverMidnight begins before a period's end and is settled in the next one.
func TestCallOverMidnight(t *testing.T) {
	t.Parallel()
	w := newWorld()
	key := quota(t, scopeOf(limits.KindKey), `{"currency":"USD","day":"0.000000010"}`)
	open, err := w.reserve(t.Context(), noon, []limits.Subject{key}, money.USD, 10)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(12 * time.Hour)
	if err := w.call(t, 10, 4, key); err != nil {
		t.Fatalf("the new day is full of the old one: %v", err)
	}
	open.Settle(9)
	state, _ := w.State(key.Scope, money.USD)
	if state.Used[limits.Day] != 4 || state.Reserved[limits.Day] != 0 || state.Used[limits.Total] != 13 || state.Reserved[limits.Total] != 0 {
		t.Errorf("%+v", state)
	}
}

func TestAlertsComeOncePerPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld()
	key := quota(t, scopeOf(limits.KindKey), `{"currency":"USD","day":"0.000000010","soft":0.8}`)
	for range 2 {
		for range 4 {
			_ = w.call(t, 4, 4, key)
		}
		_ = w.call(t, 3, 3, key)
		w.restart() // what was announced before is not announced again
		for range 3 {
			_ = w.call(t, 2, 2, key)
		}
		w.clock.Advance(24 * time.Hour)
	}
	soft, hard := 0, 0
	for _, e := range w.heard {
		switch v := e.(type) {
		case limits.SoftReached:
			soft++
			if v.Scope != key.Scope || v.Used != 8 || v.Limit != 10 || v.Period != limits.Day {
				t.Errorf("%+v", v)
			}
		case limits.Exhausted:
			hard++
		}
	}
	// The restart forgets a refusal of a quota that was not used up, so its second refusal is told again.
	if soft != 2 || hard != 4 {
		t.Errorf("%d soft and %d hard alerts in two days", soft, hard)
	}
}

func TestLoadIsOnceForAllAndFailsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	key := quota(t, scopeOf(limits.KindKey), `{"currency":"USD","total":"0.000000100"}`)
	w.store.Capture(noon, money.USD, 60, key.Scope)
	w.store.Fail(errors.New("disk"))
	for range 3 {
		if err := w.call(t, 1, 1, key); !errors.Is(err, limits.ErrUnavailable) {
			t.Fatalf("without storage: %v", err)
		}
	}
	if w.store.Loads() != 1 {
		t.Errorf("%d loads of a failing storage", w.store.Loads())
	}
	w.store.Fail(nil)
	w.clock.Advance(time.Second)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if r, err := w.reserve(t.Context(), noon, []limits.Subject{key}, money.USD, 5); err != nil {
				t.Error(err)
			} else {
				r.Settle(5)
			}
		})
	}
	wg.Wait()
	if w.store.Loads() != 2 {
		t.Errorf("%d loads", w.store.Loads())
	}
	refused(t, w.call(t, 1, 1, key), 402, 0)
	w.Sweep(noon.Add(time.Hour))
	if _, ok := w.State(key.Scope, money.USD); ok {
		t.Error("an idle budget stays in memory")
	}
}

// TestQuotaGivenWhileACallIsUnderWay books what the call costs although nothing was reserved for it.
func TestQuotaGivenWhileACallIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld()
	key := quota(t, scopeOf(limits.KindKey), `{"currency":"USD","total":"0.000000010"}`)
	early, err := w.reserve(t.Context(), noon, []limits.Subject{{Scope: key.Scope}}, money.USD, 6)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.call(t, 5, 5, key); err != nil {
		t.Fatal(err)
	}
	early.Settle(6)
	refused(t, w.call(t, 1, 1, key), 402, 0)
	if state, _ := w.State(key.Scope, money.USD); state.Used[limits.Total] != 11 {
		t.Errorf("%+v", state)
	}
}

// TestNoQuotaIsOvershot runs random calls from many goroutines against shared quotas.
func TestNoQuotaIsOvershot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		limit := money.Amount(rapid.Int64Range(0, 200).Draw(rt, "limit"))
		text := `{"currency":"USD","month":"` + limit.Text(money.USD) + `"}`
		shared := quota(rt, scopeOf(limits.KindUser), text)
		keys := []limits.Subject{quota(rt, scopeOf(limits.KindKey), text), quota(rt, scopeOf(limits.KindKey), text)}
		costs := rapid.SliceOfN(rapid.Int64Range(0, 60), 1, 24).Draw(rt, "costs")
		var wg sync.WaitGroup
		var mu sync.Mutex
		var sum, admitted money.Amount
		for i, most := range costs {
			wg.Go(func() {
				// The order of the subjects differs, that of the locks must not.
				subjects := []limits.Subject{shared, keys[i%2]}
				if i%3 == 0 {
					subjects[0], subjects[1] = subjects[1], subjects[0]
				}
				r, err := w.reserve(t.Context(), noon, subjects, money.USD, money.Amount(most))
				if err != nil {
					return
				}
				mu.Lock()
				admitted += money.Amount(most)
				mu.Unlock()
				actual := money.Amount(most) / money.Amount(1+i%3)
				r.Settle(actual)
				r.Release()
				mu.Lock()
				sum += actual
				mu.Unlock()
			})
		}
		wg.Wait()
		state, ok := w.State(shared.Scope, money.USD)
		if sum > limit || (ok && state.Used[limits.Month] != sum) || w.Reserved() != 0 {
			rt.Fatalf("%d used of %d, counted %+v, reserved %d", sum, limit, state, w.Reserved())
		}
	})
}

// TestRestartsAndDaysChangeNothing compares a memory that is lost and loaded at random with one that is not.
func TestRestartsAndDaysChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, steady := newWorld(), newWorld()
		key := quota(rt, scopeOf(limits.KindKey), `{"currency":"USD","total":"0.000000200","month":"0.000000120","day":"0.000000050","timeZone":"-03:30"}`)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				w.restart()
			case 1:
				step := time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(rt, "time"))
				w.clock.Advance(step)
				steady.clock.Advance(step)
			default:
				cost := money.Amount(rapid.Int64Range(0, 40).Draw(rt, "cost"))
				a, b := w.call(t, cost, cost, key), steady.call(t, cost, cost, key)
				if (a == nil) != (b == nil) || (a != nil && fault.From(a).Message != fault.From(b).Message) {
					rt.Fatalf("after a restart %v, without %v", a, b)
				}
			}
		}
	})
}

// TestResumedCallCountsWhateverIsLeft reserves for a call that was admitted before, in a quota that is used up since.
func TestResumedCallCountsWhateverIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld()
	of := []limits.Subject{quota(t, scopeOf(limits.KindUser), `{"currency":"USD","total":"0.000000010"}`)}
	reserve := func(how func(context.Context, *limits.Reservation, time.Time, []limits.Subject, money.Currency, money.Amount) error, amount money.Amount) (*limits.Reservation, error) {
		var r limits.Reservation
		return &r, how(t.Context(), &r, noon, of, money.USD, amount)
	}
	first, err := reserve(w.Reserve, 10)
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := reserve(w.Resume, 4)
	if err != nil {
		t.Fatal(err)
	}
	first.Settle(7)
	if _, err := reserve(w.Reserve, 1); err == nil {
		t.Error("what the resumed call has was given to another")
	}
	resumed.Settle(2)
	if _, err := reserve(w.Reserve, 1); err != nil {
		t.Errorf("9 of 10 are used: %v", err)
	}
}
