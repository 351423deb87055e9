package wallet

import (
	"context"
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Faults of users who cannot go yet.
var (
	ErrNotEmpty = fault.New(409, "wallet_not_empty", "A wallet of the user holds or owes money. Set its balance to 0 before.")
	ErrInUse    = fault.New(409, "wallet_in_use", "Calls of the user are under way.")
)

// Settled refuses a user whose wallets hold or owe real money, or pay for calls under way; simulated money counts for
// nothing. It implements identity.Funds. Codes: wallet_not_empty and wallet_in_use, with the currency.
func (s *Service) Settled(ctx context.Context, user id.ID) error {
	accounts, err := s.Accounts(ctx, user)
	if err != nil {
		return err
	}
	for i := range accounts {
		a := &accounts[i]
		switch {
		case a.Currency == money.SIM:
		case a.Held != 0:
			return ErrInUse.With("currency", string(a.Currency))
		case a.Posted != 0:
			return ErrNotEmpty.With("currency", string(a.Currency))
		}
	}
	return nil
}

// CheckOverdraft refuses the overdraft policy of a tenant that ParseOverdrafts cannot read; path is where it stands.
// Codes: those of ParseOverdrafts.
func CheckOverdraft(path string, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	policies, err := json.Marshal(map[string]json.RawMessage{"overdraft": raw})
	if err != nil {
		return ErrPolicy.Because(err).At(path)
	}
	_, err = ParseOverdrafts(policies)
	f := fault.From(err)
	if f == nil {
		return nil
	}
	const known = "policies.overdraft"
	return f.At(path + f.Path[min(len(known), len(f.Path)):])
}
