package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// getWallet shows all wallets of the caller, or the one in a currency. The primary one is what calls are paid from by
// default.
func (s *Surface) getWallet(w http.ResponseWriter, call *httpx.Call) error {
	q := httpx.QueryOf(call.Request)
	currency := money.Currency(q.Text("currency"))
	if err := firstOf(q.Err(), knownCurrency(currency)); err != nil {
		return err
	}
	accounts, err := s.Wallets.Accounts(call.Context(), call.Principal.UserID)
	if err != nil {
		return err
	}
	out := api.StoreWalletSummary{Accounts: []api.StoreGatewayWalletAccount{}}
	for i := range accounts {
		view := showAccount(&accounts[i], call.Principal.TenantKey)
		if accounts[i].Currency == s.Wallets.Primary() {
			out.PrimaryAccount = &view
		}
		if currency == "" || accounts[i].Currency == currency {
			out.Accounts = append(out.Accounts, view)
		}
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// knownCurrency refuses a currency that nobody can have; "" is none.
func knownCurrency(c money.Currency) error {
	if c == "" || c.Known() {
		return nil
	}
	return wallet.ErrCurrency.At("currency")
}

func showAccount(a *wallet.Account, tenantKey string) api.StoreGatewayWalletAccount {
	text := func(units money.Amount) string { return units.Text(a.Currency) }
	return api.StoreGatewayWalletAccount{
		Id: a.ID.String(), Currency: string(a.Currency), UserId: a.UserID.String(), GatewayUserId: a.UserID.String(),
		TenantId: a.TenantID.String(), GatewayTenantId: a.TenantID.String(), TenantKey: tenantKey,
		Balance: money.NumberOf(a.Posted, a.Currency), BalanceText: text(a.Posted),
		FrozenBalance: money.NumberOf(a.Held, a.Currency), FrozenBalanceText: text(a.Held),
		TotalRecharged: money.NumberOf(a.Credited, a.Currency), TotalRechargedText: text(a.Credited),
		TotalSpent: money.NumberOf(a.Spent, a.Currency), TotalSpentText: text(a.Spent), Status: a.Status,
		Metadata: object(a.Metadata), CreatedAt: httpx.Time(a.CreatedAt), UpdatedAt: httpx.Time(a.UpdatedAt),
	}
}

var transferKinds = []string{
	string(wallet.TransferCapture), string(wallet.TransferOverrun), string(wallet.TransferGrant),
	string(wallet.TransferAdjustment), string(wallet.TransferRecharge), string(wallet.TransferRefund),
	string(wallet.TransferExpiry),
}

func (s *Surface) listTransactions(w http.ResponseWriter, call *httpx.Call) error {
	q := httpx.QueryOf(call.Request)
	query := wallet.EntryQuery{
		User: call.Principal.UserID, Text: q.Text("q", "query"),
		Direction: q.OneOf([]string{"credit", "debit"}, "direction"),
		Kind:      wallet.TransferKind(q.OneOf(transferKinds, "transactionType", "type")),
		Currency:  money.Currency(q.Text("currency")), Page: q.Page(),
	}
	query.From, query.To = q.Range()
	if err := firstOf(q.Err(), knownCurrency(query.Currency)); err != nil {
		return err
	}
	found, err := s.Wallets.Entries(call.Context(), query)
	if err != nil {
		return err
	}
	out := api.HttpapiWalletTransactionListResponse{
		Items: make([]api.StoreGatewayWalletTransaction, len(found.Items)), Page: found.Page, PageSize: found.Size,
		Total: int(found.Total),
	}
	for i := range found.Items {
		out.Items[i] = showEntry(&found.Items[i])
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showEntry(e *wallet.Entry) api.StoreGatewayWalletTransaction {
	c := e.Currency
	out := api.StoreGatewayWalletTransaction{
		Id: e.ID.String(), AccountId: e.AccountID.String(), GatewayUserId: e.UserID.String(),
		GatewayTenantId: e.TenantID.String(), Currency: string(c), Direction: "debit", TransactionType: string(e.Kind),
		Amount: money.NumberOf(e.Amount, c), AmountText: e.Amount.Text(c),
		BalanceBefore: money.NumberOf(e.BalanceBefore, c), BalanceBeforeText: e.BalanceBefore.Text(c),
		BalanceAfter: money.NumberOf(e.BalanceAfter, c), BalanceAfterText: e.BalanceAfter.Text(c),
		ReferenceType: e.RefType, ReferenceId: e.RefID, Reason: e.Reason, Metadata: object(e.Metadata),
		CreatedAt: httpx.Time(e.At),
	}
	if e.Credit {
		out.Direction = "credit"
	}
	return out
}

// setBalance posts the difference to a target balance.
func (s *Surface) setBalance(w http.ResponseWriter, call *httpx.Call) error {
	user, err := pathID(call, "userID")
	if err != nil {
		return err
	}
	in, err := readBalance(call, s.Wallets.Primary())
	if err != nil {
		return err
	}
	target, err := s.Identity.User(call.Context(), user)
	if err != nil {
		return err
	}
	in.UserID, in.TenantID = target.ID, target.TenantID
	done, err := s.Wallets.SetBalance(call.Context(), call.Actor(), in)
	if err != nil {
		return err
	}
	tenant, _, err := s.Identity.Home(call.Context(), target)
	if err != nil {
		return err
	}
	before, after, entry := showAccount(&done.Before, tenant.Key), showAccount(&done.After, tenant.Key), showEntry(&done.Entry)
	out := api.HttpapiWalletAdjustmentResponse{Account: &after, Before: &before}
	if !done.Entry.ID.IsZero() {
		out.Transaction = &entry
	}
	if out.AuditLog, err = s.auditOf(call, done.Before.ID, in.IdempotencyKey); err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// maxRepeated is how many later changes of a wallet a repetition may lie behind and still be shown its audit entry.
const maxRepeated = 200

// auditOf is the entry of the change that was made under a key, which may be a while ago; without a key the last one.
func (s *Surface) auditOf(call *httpx.Call, account id.ID, key string) (*api.StoreAuditLog, error) {
	logged, err := s.Audit.EntryList(call.Context(), audit.Query{
		Category: "wallet", Action: "wallet.balance_set", TargetID: account.String(), Limit: maxRepeated,
	})
	for i := range logged {
		var made struct {
			Key string `json:"idempotencyKey"`
		}
		if key != "" && (json.Unmarshal(logged[i].Metadata, &made) != nil || made.Key != key) {
			continue
		}
		view := showAudit(&logged[i])
		return &view, nil
	}
	return nil, err
}

func readBalance(call *httpx.Call, primary money.Currency) (wallet.SetBalance, error) {
	var in api.HttpapiWalletBalanceRequest
	if err := httpx.Decode(call.Request, &in); err != nil {
		return wallet.SetBalance{}, err
	}
	currency := money.Currency(in.Currency)
	if currency == "" {
		currency = primary
	}
	if !currency.Known() {
		return wallet.SetBalance{}, wallet.ErrCurrency.At("currency")
	}
	target, err := in.Balance.Amount(currency)
	switch {
	case errors.Is(err, money.ErrPrecision):
		return wallet.SetBalance{}, wallet.ErrPrecision.At("balance")
	case err != nil || target < 0:
		return wallet.SetBalance{}, wallet.ErrAmount.At("balance")
	}
	for _, text := range []struct{ path, value string }{{"reason", in.Reason}, {"idempotencyKey", in.IdempotencyKey}} {
		if err := identity.CheckText(text.path, text.value, 500); err != nil {
			return wallet.SetBalance{}, err
		}
	}
	return wallet.SetBalance{
		Currency: currency, Target: target, Reason: in.Reason, IdempotencyKey: in.IdempotencyKey, Metadata: object(in.Metadata),
	}, nil
}

// ordered puts accounts of one user into a stable order.
func ordered(accounts []wallet.Account) []wallet.Account {
	slices.SortStableFunc(accounts, func(a, b wallet.Account) int { return int(a.Number - b.Number) })
	return accounts
}
