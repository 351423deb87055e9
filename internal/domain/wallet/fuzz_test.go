package wallet_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// FuzzOverdrafts enters anything as a tenant's policies: an overdraft is of a currency that is known, and never below zero.
func FuzzOverdrafts(f *testing.F) {
	f.Add([]byte(`{"overdraft":{"USD":"10.5","CNY":"0"},"other":1}`))
	f.Add([]byte(`{"overdraft":{"USD":-1e400}}`))
	f.Add([]byte(`{"overdraft":null}`))
	f.Fuzz(func(t *testing.T, policies []byte) {
		all, err := wallet.ParseOverdrafts(policies)
		for currency, amount := range all {
			if !currency.Known() || amount < 0 || err != nil {
				t.Errorf("%q: %s %d, %v", policies, currency, amount, err)
			}
		}
	})
}
