package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// maxOverdraft leaves room for a balance above it in 64 bits.
const maxOverdraft money.Amount = 1 << 61

// ParseOverdrafts reads how far below zero the wallets of a tenant may fall from its policies, as in
// {"overdraft": {"USD": "10"}}: a decimal string for each currency that the policy is about, "0" for none at all. Other
// policies are left alone. Codes, with the path below "policies": policy_invalid, currency_unsupported,
// amount_precision, amount_invalid.
func ParseOverdrafts(policies json.RawMessage) (map[money.Currency]money.Amount, error) {
	var all struct {
		Overdraft json.RawMessage `json:"overdraft"`
	}
	if len(policies) == 0 {
		return map[money.Currency]money.Amount{}, nil
	}
	if err := json.Unmarshal(policies, &all); err != nil {
		return nil, ErrPolicy.Because(err).At("policies")
	}
	texts := map[money.Currency]any{}
	if len(all.Overdraft) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(all.Overdraft))
		decoder.UseNumber()
		if err := decoder.Decode(&texts); err != nil {
			return nil, ErrPolicy.Because(err).At("policies.overdraft")
		}
	}
	overdrafts := map[money.Currency]money.Amount{}
	for _, c := range currencies(texts) {
		amount, err := parseOverdraft(c, texts[c])
		if err != nil {
			return nil, err
		}
		overdrafts[c] = amount
	}
	return overdrafts, nil
}

func parseOverdraft(c money.Currency, value any) (money.Amount, error) {
	path := "policies.overdraft." + string(c)
	if !c.Known() {
		return 0, ErrCurrency.At(path)
	}
	text, ok := value.(string)
	if !ok {
		return 0, ErrPolicy.Saying("An overdraft is a decimal in quotes.").At(path)
	}
	amount, err := money.Parse(text, c)
	switch {
	case errors.Is(err, money.ErrPrecision):
		return 0, ErrPrecision.At(path)
	case err != nil, amount < 0, amount > maxOverdraft:
		return 0, ErrAmount.Because(err).At(path)
	}
	return amount, nil
}

// currencies lists the keys in order, so that of several mistakes the same is reported each time.
func currencies[V any](m map[money.Currency]V) []money.Currency {
	out := make([]money.Currency, 0, len(m))
	for c := range m {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// SetOverdraft asks that a wallet may fall Amount below zero.
type SetOverdraft struct {
	UserID   id.ID
	Currency money.Currency
	Amount   money.Amount // ≥ 0; 0: not at all
	Reason   string
}

// SetOverdraft changes a wallet's overdraft. Calls see a higher one once it is booked, a lower one at once.
// Codes: amount_invalid, wallet_missing, overdraft_in_use.
func (s *Service) SetOverdraft(ctx context.Context, by event.Actor, in SetOverdraft) (Account, error) {
	if in.Amount < 0 || in.Amount > maxOverdraft {
		return Account{}, ErrAmount.At("amount")
	}
	w, err := s.book.Wallet(ctx, in.UserID, in.Currency)
	if err != nil {
		return Account{}, err
	}
	if err := w.recall(ctx); err != nil {
		return Account{}, err
	}
	w.limit.Lock()
	defer w.limit.Unlock()
	before, err := w.lowerOverdraft(in.Amount)
	if err != nil {
		return Account{}, err
	}
	var out Account
	err = s.store.InTx(ctx, func(t tx.Tx) (err error) {
		out, err = s.overdraftTx(ctx, t, by, in, w.ID)
		return err
	})
	if err != nil {
		w.setOverdraft(before)
		return Account{}, err
	}
	s.book.SetOverdraft(in.UserID, in.Currency, in.Amount)
	s.live(&out)
	return out, nil
}

func (s *Service) overdraftTx(
	ctx context.Context, t tx.Tx, by event.Actor, in SetOverdraft, account id.ID,
) (Account, error) {
	if err := s.store.LedgerLock(ctx, t); err != nil {
		return Account{}, err
	}
	before, err := s.store.AccountByID(ctx, t, account)
	if err != nil || before.Overdraft == in.Amount {
		return before, err
	}
	err = s.store.OverdraftSet(ctx, t, account, in.Amount)
	if errors.Is(err, ErrInsufficient) {
		return Account{}, ErrOverdraft.Because(err)
	}
	if err != nil {
		return Account{}, err
	}
	after := before
	after.Overdraft = in.Amount
	return after, s.announceBalance(ctx, t, by, "wallet.overdraft_set", in.Reason, before, after, nil)
}

// ApplyOverdrafts gives every wallet of a tenant the overdraft that the tenant's policies name for its currency; wallets
// in other currencies stay as they are. A wallet that is too far below zero keeps what it has, and the error, which
// tells how many those are, comes when all others are done. Codes: those of ParseOverdrafts, overdraft_in_use.
func (s *Service) ApplyOverdrafts(ctx context.Context, by event.Actor, tenant id.ID, policies json.RawMessage) error {
	overdrafts, err := ParseOverdrafts(policies)
	if err != nil {
		return err
	}
	refused := 0
	for _, c := range currencies(overdrafts) {
		wallets, err := s.store.WalletsOfTenant(ctx, tenant, c)
		if err != nil {
			return err
		}
		for i := range wallets {
			_, err := s.SetOverdraft(ctx, by, SetOverdraft{
				UserID: wallets[i].UserID, Currency: c, Amount: overdrafts[c], Reason: "policy of the tenant",
			})
			if errors.Is(err, ErrOverdraft) {
				refused++
			} else if err != nil {
				return err
			}
		}
	}
	if refused > 0 {
		return ErrOverdraft.With("wallets", refused)
	}
	return nil
}

// policyOverdraft is what the policies of a tenant say about a new wallet. Policies were checked when they were set; one
// that cannot be read gives nothing.
func (s *Service) policyOverdraft(ctx context.Context, t tx.Tx, tenant id.ID, c money.Currency) (money.Amount, error) {
	policies, err := s.store.TenantPolicies(ctx, t, tenant)
	if err != nil {
		return 0, err
	}
	overdrafts, err := ParseOverdrafts(policies)
	if err != nil {
		return 0, nil //nolint:nilerr // documented
	}
	return overdrafts[c], nil
}

// SetOverdraft changes how far below zero a wallet in memory may fall; one that is not in memory will be loaded with what
// is booked.
func (b *Book) SetOverdraft(user id.ID, c money.Currency, amount money.Amount) {
	if w := b.Loaded(user, c); w != nil {
		w.setOverdraft(amount)
	}
}

func (w *Wallet) setOverdraft(amount money.Amount) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.overdraft = amount
}

// lowerOverdraft makes a lower overdraft count at once, so that no call uses what is about to go, and returns the one
// before. A higher one must wait until it is booked. Code: overdraft_in_use.
func (w *Wallet) lowerOverdraft(amount money.Amount) (before money.Amount, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before = w.overdraft
	if w.posted+amount < w.held+w.reserved {
		return before, ErrOverdraft
	}
	w.overdraft = min(before, amount)
	return before, nil
}
