package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// grant gives amount for a duration; 0: for ever.
func (b *bank) grant(u identity.User, amount money.Amount, lasts time.Duration) wallet.Grant {
	b.t.Helper()
	in := wallet.GrantRequest{UserID: u.ID, TenantID: u.TenantID, Currency: money.USD, Amount: amount, Reason: "spring"}
	if lasts > 0 {
		in.ExpiresAt = b.clock().Add(lasts)
	}
	out, err := b.service.Grant(b.ctx, event.Actor{Username: "root"}, in)
	b.ok(err)
	return out.Grant
}

// expired lets time pass, expires grants and expects how many closed.
func (b *bank) expired(d time.Duration, want int) {
	b.t.Helper()
	closed, err := b.service.ExpireGrants(b.ctx, b.pass(d))
	b.ok(err)
	if closed != want {
		b.t.Errorf("%d grants were closed, want %d", closed, want)
	}
}

// figures expects what is booked of a grant.
func (b *bank) figures(g wallet.Grant, spent, returned money.Amount) {
	b.t.Helper()
	got, err := b.store.Wallet().GrantByID(b.ctx, nil, g.ID)
	b.ok(err)
	if got.Spent != spent || got.Returned != returned {
		b.t.Errorf("grant: %d spent, %d returned; want %d, %d", got.Spent, got.Returned, spent, returned)
	}
}

func TestGrantThatExpiresSoonestIsSpentFirst(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(100)
		late := b.grant(u, 50, 3*time.Hour)
		soon := b.grant(u, 30, time.Hour)
		forever := b.grant(u, 5, 0)
		b.call(u, 40) // 30 from soon, 10 from late
		b.expired(time.Hour, 1)
		b.figures(soon, 30, 0)
		b.figures(late, 10, 0)
		third := b.grant(u, 20, time.Hour)
		b.call(u, 25) // 20 from third, 5 from late
		b.expired(30*time.Minute, 0)
		b.expired(2*time.Hour, 2)
		b.figures(third, 20, 0)
		b.figures(late, 15, 35)
		b.figures(forever, 0, 0)
		b.booked(u, 100+50+30+5+20-40-25-35)
		b.expired(1000*time.Hour, 0)
		b.clean()
	})
}

func TestGrantIsNotSpentBeforeItCameOrAfterItsEnd(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(100)
		b.call(u, 10)
		g := b.grant(u, 50, time.Hour)
		b.call(u, 20)
		b.pass(time.Hour)
		b.call(u, 40) // the job is late: this call was paid with the customer's own money
		b.expired(0, 1)
		b.figures(g, 20, 30)
		b.booked(u, 100-10+50-20-40-30)
		b.clean()
	})
}

func TestGrantIsNotSpentByCallsBeforeIt(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(0)
		early := b.grant(u, 50, 3*time.Hour)
		b.call(u, 20)
		soon := b.grant(u, 30, time.Hour)
		b.call(u, 5)
		b.expired(time.Hour, 1)
		b.figures(soon, 5, 25)
		b.figures(early, 20, 0)
		b.booked(u, 30)
		b.clean()
	})
}

func TestExpiryTakesNeitherHeldMoneyNorMoreThanThereIs(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, w := b.user(0)
		g := b.grant(u, 50, time.Hour)
		h, err := w.Hold(20)
		b.ok(err)
		b.expired(time.Hour, 1)
		b.figures(g, 0, 30)
		b.capture(u, w, &h, 20)
		b.booked(u, 0)

		v, _ := b.user(0)
		spent := b.grant(v, 50, time.Hour)
		_, err = b.service.SetBalance(b.ctx, event.Actor{}, wallet.SetBalance{UserID: v.ID, TenantID: v.TenantID, Currency: money.USD, Target: 8})
		b.ok(err)
		b.expired(time.Hour, 1)
		b.figures(spent, 0, 8)
		b.booked(v, 0)
		b.clean()
	})
}

func TestGrantsAreGivenOnceByKey(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(0)
		in := wallet.GrantRequest{
			UserID: u.ID, TenantID: u.TenantID, Currency: money.USD, Amount: 9, IdempotencyKey: "k", ExpiresAt: b.clock().Add(time.Hour),
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := b.service.Grant(b.ctx, event.Actor{}, in); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		b.booked(u, 9)
		in.Amount = 10
		if _, err := b.service.Grant(b.ctx, event.Actor{}, in); fault.From(err).Code != "idempotency_conflict" {
			t.Errorf("another amount with the key: %v", err)
		}
		for code, in := range map[string]wallet.GrantRequest{
			"amount_invalid":       {Currency: money.USD},
			"currency_unsupported": {Currency: "XXX", Amount: 1},
			"invalid_parameter":    {Currency: money.USD, Amount: 1, ExpiresAt: b.clock()},
		} {
			if _, err := b.service.Grant(b.ctx, event.Actor{}, in); fault.From(err).Code != code {
				t.Errorf("%+v: %v, want %s", in, err, code)
			}
		}
		b.clean()
	})
}

// failing is a storage whose transactions are rolled back at their end.
type failing struct {
	wallet.Store

	on bool
}

var errKilled = errors.New("killed")

func (f *failing) InTx(ctx context.Context, do func(tx.Tx) error) error {
	return f.Store.InTx(ctx, func(t tx.Tx) error {
		if err := do(t); err != nil || !f.on {
			return err
		}
		return errKilled
	})
}

func TestExpiryThatWasCutIsMadeGood(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(10)
		g := b.grant(u, 50, time.Hour)
		b.call(u, 20)
		cut := &failing{Store: b.store.Wallet(), on: true}
		book := wallet.NewBook(cut, b.clock)
		s := wallet.NewService(wallet.Options{Store: cut, Book: book, Bus: &event.Bus{}, Now: b.clock, Flush: b.flush})
		now := b.pass(time.Hour)
		if _, err := s.ExpireGrants(b.ctx, now); !errors.Is(err, errKilled) {
			t.Fatalf("error = %v", err)
		}
		if open, units := book.Holds(); open != 0 || units != 0 {
			t.Errorf("%d holds of %d are open", open, units)
		}
		b.figures(g, 0, 0)
		cut.on = false
		for _, want := range []int{1, 0} {
			if n, err := s.ExpireGrants(b.ctx, now); err != nil || n != want {
				t.Errorf("closed %d (%v), want %d", n, err, want)
			}
		}
		b.figures(g, 20, 30)
		b.restart()
		b.booked(u, 10)
		b.clean()
	})
}

// late is a storage that tells of the end of its transactions some time after it.
type late struct{ wallet.Store }

func (l late) InTx(ctx context.Context, do func(tx.Tx) error) error {
	err := l.Store.InTx(ctx, do)
	<-time.After(20 * time.Millisecond)
	return err
}

// TestExpiryAtTheSameTime lets several expire the same grants: each goes back once, and all of it.
func TestExpiryAtTheSameTime(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		b.book = wallet.NewBook(b.store.Wallet(), b.clock)
		b.service = wallet.NewService(wallet.Options{
			Store: late{b.store.Wallet()}, Book: b.book, Bus: &event.Bus{}, Now: b.clock, Primary: money.USD, Flush: b.flush,
		})
		u, _ := b.user(1)
		for range 3 {
			b.grant(u, 10, time.Hour)
		}
		now := b.pass(time.Hour)
		closed := make(chan int, 4)
		for range 4 {
			go func() {
				n, err := b.service.ExpireGrants(b.ctx, now)
				if err != nil {
					t.Error(err)
				}
				closed <- n
			}()
		}
		if total := <-closed + <-closed + <-closed + <-closed; total != 3 {
			t.Errorf("%d grants were closed, want 3", total)
		}
		b.booked(u, 1)
		b.clean()
	})
}

func TestGrantsAndRefundsAreAudited(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, w := b.user(10)
		b.grant(u, 5, time.Hour)
		task := b.call(u, 8)
		_, err := b.service.Refund(b.ctx, event.Actor{Username: "root"}, wallet.RefundRequest{TaskID: task, Amount: 2, Reason: "broken"})
		b.ok(err)
		b.expired(time.Hour, 1)
		logged, err := b.store.Audit().EntryList(b.ctx, audit.Query{Category: "wallet", TargetID: w.ID.String(), Limit: 3})
		b.ok(err)
		var got []string
		for _, e := range logged {
			got = append(got, e.Action+" "+e.ActorUsername+" "+e.Reason+" "+string(e.Before)+string(e.After))
		}
		want := []string{
			`wallet.grant_expired  spring {"balance":"0.000000009","currency":"USD","overdraft":"0"}{"balance":"0.000000009","currency":"USD","overdraft":"0"}`,
			`wallet.refunded root broken {"balance":"0.000000007","currency":"USD","overdraft":"0"}{"balance":"0.000000009","currency":"USD","overdraft":"0"}`,
			`wallet.granted root spring {"balance":"0.00000001","currency":"USD","overdraft":"0"}{"balance":"0.000000015","currency":"USD","overdraft":"0"}`,
		}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Errorf("audit entries %q, want %q", got, want)
				break
			}
		}
	})
}
