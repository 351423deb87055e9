package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// ledgerOf posts n transfers of 10 from a grant to a wallet, in a batch each, and writes an audit entry.
func ledgerOf(t *testing.T, s *Store, n int) (grant, mine wallet.Account) {
	t.Helper()
	grant = wallet.Account{ID: id.New(), Code: "grant", Kind: wallet.KindGrant, Currency: "USD"}
	mine = wallet.Account{ID: id.New(), Code: "mine", Kind: wallet.KindWallet, Currency: "USD"}
	err := s.Wallet().InTx(t.Context(), func(inner tx.Tx) error {
		for _, a := range []*wallet.Account{&grant, &mine} {
			if _, err := s.Wallet().AccountEnsure(t.Context(), inner, a); err != nil {
				return err
			}
		}
		for i := range n {
			v := wallet.Transfer{
				ID: id.New(), Kind: wallet.TransferGrant, Currency: "USD", Amount: 10, DebitAccountID: grant.ID,
				CreditAccountID: mine.ID, RefType: "user", RefID: fmt.Sprint(i),
			}
			if err := s.Wallet().TransferPost(t.Context(), inner, &v); err != nil {
				return err
			}
		}
		return s.Audit().EntryInsert(t.Context(), inner, &audit.Entry{ID: id.New()})
	})
	if err != nil {
		t.Fatal(err)
	}
	return grant, mine
}

func TestWhatIsWrittenStays(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		s := migrated(t, o)
		ledgerOf(t, s, 2)
		for _, statement := range []string{
			"UPDATE transfer SET amount = 11", "DELETE FROM transfer WHERE number = 2",
			"UPDATE ledger_batch SET at = 1", "DELETE FROM ledger_batch",
			"UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry",
		} {
			if err := s.exec(t, statement); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v, want a refusal", statement, err)
			}
		}
	})
}

// TestChainShowsTampering takes the triggers away, as somebody could who owns the database.
func TestChainShowsTampering(t *testing.T) {
	t.Parallel()
	const insert = `INSERT INTO transfer (number, id, kind, currency, amount, debit_account_id, credit_account_id,
		debit_after, credit_after, ref_type, ref_id, hold_amount, reason)
		SELECT 6, '01980000-0000-7000-8000-000000000000', kind, currency, amount, debit_account_id, credit_account_id,
		debit_after, credit_after, ref_type, 'forged', hold_amount, reason FROM transfer WHERE number = 5`
	for statement, broken := range map[string]int64{
		"UPDATE transfer SET amount = 11 WHERE number = 3":                  3,
		"UPDATE transfer SET metadata = '{}' WHERE number = 5":              5,
		"UPDATE transfer SET at = 1 WHERE number = 1":                       1,
		"UPDATE transfer SET reason = ref_id, ref_id = '' WHERE number = 4": 4,
		"DELETE FROM transfer WHERE number = 2":                             2,
		"DELETE FROM ledger_batch WHERE number = 4":                         4,
		"DELETE FROM ledger_batch WHERE number = 5":                         5,
		"UPDATE ledger_batch SET prev_hash = hash WHERE number = 5":         5,
		insert:     6,
		"SELECT 1": 0,
	} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, o Options) {
				t.Helper()
				s := migrated(t, o)
				ledgerOf(t, s, 5)
				s.withoutTriggers(t)
				s.mustExec(t, statement)
				chain, err := s.Wallet().ChainVerify(t.Context())
				if err != nil || chain.Broken != broken {
					t.Errorf("the chain is %+v (%v), want it broken at batch %d", chain, err, broken)
				}
			})
		})
	}
}

func (s *Store) withoutTriggers(t *testing.T) {
	t.Helper()
	for _, table := range []string{"transfer", "ledger_batch"} {
		if s.db.engine == postgres {
			s.mustExec(t, "ALTER TABLE "+table+" DISABLE TRIGGER USER")
			continue
		}
		s.mustExec(t, "DROP TRIGGER "+table+"_no_update")
		s.mustExec(t, "DROP TRIGGER "+table+"_no_delete")
	}
}

func TestSchemaGuardsTheBooks(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		s := migrated(t, o)
		_, mine := ledgerOf(t, s, 1)
		for _, statement := range []string{
			"UPDATE account SET posted = -1 WHERE code = 'mine'",
			"UPDATE account SET held = 11 WHERE code = 'mine'",
			"UPDATE account SET posted = 9, held = 10 WHERE code = 'mine'",
		} {
			if err := s.exec(t, statement); !errors.Is(err, wallet.ErrInsufficient) {
				t.Errorf("%s: %v, want wallet.insufficient", statement, err)
			}
		}
		for _, statement := range []string{
			"UPDATE account SET held = -1 WHERE code = 'mine'",
			"UPDATE account SET overdraft = -1 WHERE code = 'grant'",
			"UPDATE account SET currency = 'CNY' WHERE code = 'mine'",
			"DELETE FROM account WHERE code = 'mine'",
		} {
			if err := s.exec(t, statement); err == nil {
				t.Errorf("%s was executed", statement)
			}
		}
		s.mustExec(t, "UPDATE account SET posted = posted - 10, overdraft = 10, held = 10 WHERE id = ?", mine.ID)
	})
}

// TestHeldMoneyIsNotSpent posts against an account of which a part is held by somebody else.
func TestHeldMoneyIsNotSpent(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, o Options) {
		t.Helper()
		s := migrated(t, o)
		grant, mine := ledgerOf(t, s, 1)
		s.mustExec(t, "UPDATE account SET held = 6 WHERE id = ?", mine.ID)
		post := func(ref string) error {
			return s.Wallet().InTx(t.Context(), func(inner tx.Tx) error {
				return s.Wallet().TransferPost(t.Context(), inner, &wallet.Transfer{
					ID: id.New(), Kind: wallet.TransferAdjustment, Currency: "USD", Amount: 4, DebitAccountID: mine.ID,
					CreditAccountID: grant.ID, RefType: "adjustment", RefID: ref,
				})
			})
		}
		if err := post("1"); err != nil {
			t.Errorf("spending what is free: %v", err)
		}
		if err := post("2"); !errors.Is(err, wallet.ErrInsufficient) {
			t.Errorf("spending what is held: %v, want wallet.insufficient", err)
		}
	})
}
