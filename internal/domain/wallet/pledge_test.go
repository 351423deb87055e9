package wallet

import (
	"context"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func TestAPledgeIsHeldUntilItIsRedeemed(t *testing.T) {
	t.Parallel()
	w := &Wallet{Currency: "USD", posted: 100}
	if err := w.Pledge(t.Context(), 70, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if posted, held := w.Balance(); posted != 100 || held != 70 || w.Spendable() != 30 {
		t.Errorf("posted %d, held %d, spendable %d", posted, held, w.Spendable())
	}
	if n, units := w.holds(); n != 0 || units != 0 {
		t.Errorf("%d holds of %d in memory, want none", n, units)
	}
	w.Redeem(70, 25)
	if posted, held := w.Balance(); posted != 75 || held != 0 {
		t.Errorf("redeemed: posted %d, held %d", posted, held)
	}
}

func TestAPledgeThatIsNotWrittenHoldsNothing(t *testing.T) {
	t.Parallel()
	w, refused := &Wallet{Currency: "USD", posted: 100}, errors.New("refused")
	if err := w.Pledge(t.Context(), 70, func() error { return refused }); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if err := w.Pledge(t.Context(), 101, func() error { t.Error("written"); return nil }); !errors.Is(err, ErrInsufficient) {
		t.Errorf("%v", err)
	}
	if w.Spendable() != 100 {
		t.Errorf("spendable %d", w.Spendable())
	}
}

// recalling lends nothing and counts recalls.
type recalling struct {
	Lender
	recalled int
}

func (r *recalling) Recall(context.Context) error { r.recalled++; return nil }

func (*recalling) Spendable() money.Amount { return 0 }

func TestAPledgeOfALeasedWalletAsksMoneyBackBeforeItIsRefused(t *testing.T) {
	t.Parallel()
	l := &recalling{}
	w := &Wallet{Currency: "USD", lender: l}
	tries := 0
	err := w.Pledge(t.Context(), 70, func() error {
		if tries++; tries == 1 {
			return ErrInsufficient
		}
		return nil
	})
	if err != nil || tries != 2 || l.recalled != 1 {
		t.Errorf("%v after %d tries and %d recalls", err, tries, l.recalled)
	}
	w.Redeem(70, 70)
	if posted, held := w.Balance(); posted != 0 || held != 0 {
		t.Errorf("memory knows of %d and %d, which is the database's business", posted, held)
	}
}
