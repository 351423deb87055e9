package app

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

const (
	balance = "/api/admin/users/{user}/wallet"
	wallets = "/api/console/wallets/{user}"
)

func TestWallets(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, testWallets)
}

func testWallets(d *desk) {
	set := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: patch, Path: balance, Body: body, Operation: "setAdminUserWalletBalance", Status: status, Code: code, At: at}
	}
	first := set("balance set", `{"balance":20,"currency":"USD","reason":"gift","idempotencyKey":"k-1","metadata":{"a":1}}`, 200, "", "")
	first.Golden = true
	made := d.ask(first)
	d.ask(set("balance moved on", `{"balance":7,"reason":"spent"}`, 200, "", ""))
	first.Golden = false // what the account holds besides is today's
	sameChange(d.t, made, d.ask(first))
	d.all(
		set("another target under the key", `{"balance":200,"currency":"USD","idempotencyKey":"k-1"}`, 409, "idempotency_conflict", "idempotencyKey"),
		set("below zero", `{"balance":-1,"currency":"USD"}`, 400, "amount_invalid", "balance"),
		set("ten places", `{"balance":1.0000000001}`, 400, "amount_precision", "balance"),
		set("unknown currency", `{"balance":1,"currency":"XXX"}`, 400, "currency_unsupported", "currency"),
		surfacetest.Request{Name: "balance of nobody", As: "admin", Method: patch, Path: "/api/admin/users/" + nobody + "/wallet", Body: `{"balance":1}`, Operation: "setAdminUserWalletBalance", Status: 404, Code: "not_found"},
		surfacetest.Request{Name: "wallet", As: "user", Method: get, Path: "/api/workspace/wallet?currency=USD", Operation: "getWorkspaceWallet", Status: 200, Golden: true},
		surfacetest.Request{Name: "wallet as nobody", Method: get, Path: "/api/workspace/wallet", Operation: "getWorkspaceWallet", Status: 401, Code: "unauthorized"},
		surfacetest.Request{Name: "wallet in no currency", As: "user", Method: get, Path: "/api/workspace/wallet?currency=XXX", Operation: "getWorkspaceWallet", Status: 400, Code: "currency_unsupported", At: "currency"},
	)
	d.frozen(set)
	d.transactions()
	d.operatorsOnly(surfacetest.Request{Method: patch, Path: balance, Body: `{"balance":1}`, Operation: "setAdminUserWalletBalance"},
		surfacetest.Request{Method: get, Path: "/api/admin/audit-logs", Operation: "listAdminAuditLogs"})
	d.auditLogs()
}

// sameChange holds a repetition against what it repeats: the same transaction, balances and audit entry.
func sameChange(t *testing.T, made, again *surfacetest.Answer) {
	t.Helper()
	type answer struct {
		Account, Before struct{ BalanceText string }
		Transaction     struct{ ID, AmountText string }
		AuditLog        struct{ ID string }
	}
	var a, b answer
	made.JSON(t, &a)
	again.JSON(t, &b)
	if a != b || a.Transaction.ID == "" || a.AuditLog.ID == "" {
		t.Errorf("a repetition answered %+v, the first time %+v", b, a)
	}
}

// frozen holds a part of the wallet by a stream: a balance below it is refused.
func (d *desk) frozen(set func(name, body string, status int, code, at string) surfacetest.Request) {
	d.t.Helper()
	stream := d.open("gpt-4o-mini")
	d.all(
		set("below what is frozen", `{"balance":0}`, 409, "conflict", ""),
		set("above what is frozen", `{"balance":5}`, 200, "", ""),
	)
	_ = stream.Close()
	d.settled()
}

// settled waits until no call is under way, by asking for what every call holds.
func (d *desk) settled() {
	d.t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for d.relay.InFlight() > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			d.t.Fatal("a call does not end")
		}
	}
	if err := d.journal.Flush(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) transactions() {
	d.t.Helper()
	list := func(query string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: "transactions " + query, As: "user", Method: get, Path: "/api/workspace/wallet/transactions?" + query, Operation: "listWorkspaceWalletTransactions", Status: status, Code: code, At: at}
	}
	page := list("direction=credit&transactionType=adjustment&createdFrom=2036-03-01T09:00:00Z&createdTo=2036-03-01&page=1&pageSize=2", 200, "", "")
	page.Name, page.Golden = "transactions", true
	d.all(
		page,
		list("q=gift", 200, "", ""), list("query=gift&type=adjustment&from=2036-03-01&to=2036-03-02&limit=1", 200, "", ""),
		list("direction=up", 400, "invalid_parameter", "direction"), list("transactionType=theft", 400, "invalid_parameter", "transactionType"),
		list("type=theft", 400, "invalid_parameter", "type"), list("createdFrom=yesterday", 400, "invalid_parameter", "createdFrom"),
		list("createdFrom=2036-03-02&createdTo=2036-03-01T00:00:00Z", 400, "invalid_parameter", "createdTo"),
		list("page=0", 400, "invalid_page", "page"), list("page=9223372036854775808", 400, "invalid_page", "page"),
		list("pageSize=201", 400, "invalid_page", "pageSize"), list("currency=XXX", 400, "currency_unsupported", "currency"),
		surfacetest.Request{Name: "transactions as nobody", Method: get, Path: "/api/workspace/wallet/transactions", Operation: "listWorkspaceWalletTransactions", Status: 401, Code: "unauthorized"},
	)
	for query, want := range map[string]int{"q=gift": 1, "q=GIFT": 1, "query=nothing-like-it": 0, "type=adjustment&direction=debit": 2, "limit=1": 1} {
		var out struct {
			Items []struct{ Reason string }
		}
		d.ask(list(query, 200, "", "")).JSON(d.t, &out)
		if len(out.Items) != want {
			d.t.Errorf("%s finds %d transactions, want %d", query, len(out.Items), want)
		}
	}
}

func (d *desk) auditLogs() {
	d.t.Helper()
	logs := func(name, query string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: get, Path: "/api/admin/audit-logs?" + query, Operation: "listAdminAuditLogs", Status: status, Code: code, At: at, Golden: status == 200}
	}
	d.all(
		logs("audit of wallets", "category=wallet&action=wallet.balance_set&targetType=wallet&limit=2", 200, "", ""),
		logs("audit of nothing", "action=nothing.happened", 200, "", ""),
		logs("audit limit", "limit=-1", 400, "invalid_page", "limit"), logs("audit limit of many", "limit=1001", 400, "invalid_page", "limit"),
		logs("audit NUL", "category=%00", 400, "invalid_parameter", "category"),
	)
}

func TestWalletOperations(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, testWalletOperations)
}

func testWalletOperations(d *desk) {
	grant := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: post, Path: wallets + "/grants", Body: body, Operation: "grantToWallet", Status: status, Code: code, At: at}
	}
	first := grant("wallet granted", `{"amount":2.5,"currency":"USD","reason":"welcome","idempotencyKey":"g-1","expiresAt":"2036-06-01"}`, 201, "", "")
	first.Golden = true
	d.ask(first)
	if d.ask(grant("granted again", first.Body, 201, "", "")); d.spendable() != "12.5" {
		d.t.Errorf("granted twice: %s", d.spendable())
	}
	d.all(
		grant("another amount under the key", `{"amount":3,"reason":"x","idempotencyKey":"g-1"}`, 409, "idempotency_conflict", "idempotencyKey"),
		grant("nothing granted", `{"amount":0,"reason":"x","idempotencyKey":"g-2"}`, 400, "amount_invalid", "amount"),
		grant("less than nothing granted", `{"amount":-1,"reason":"x","idempotencyKey":"g-2"}`, 400, "amount_invalid", "amount"),
		grant("too exact", `{"amount":0.0000000001,"reason":"x","idempotencyKey":"g-2"}`, 400, "amount_precision", "amount"),
		grant("in no currency", `{"amount":1,"currency":"usd","reason":"x","idempotencyKey":"g-2"}`, 400, "currency_unsupported", "currency"),
		grant("without a reason", `{"amount":1,"idempotencyKey":"g-2"}`, 400, "invalid_parameter", "reason"),
		grant("without a key", `{"amount":1,"reason":"x"}`, 400, "invalid_parameter", "idempotencyKey"),
		grant("expired", `{"amount":1,"reason":"x","idempotencyKey":"g-2","expiresAt":"2036-01-01"}`, 400, "invalid_parameter", "expiresAt"),
		grant("no time", `{"amount":1,"reason":"x","idempotencyKey":"g-2","expiresAt":"soon"}`, 400, "invalid_parameter", "expiresAt"),
		surfacetest.Request{Name: "granted to nobody", As: "admin", Method: post, Path: "/api/console/wallets/" + nobody + "/grants", Body: first.Body, Operation: "grantToWallet", Status: 404, Code: "not_found"},
	)
	d.refunds()
	d.overdrafts()
	d.operatorsOnly(
		surfacetest.Request{Method: get, Path: wallets, Operation: "listUserWallets"},
		surfacetest.Request{Method: post, Path: wallets + "/grants", Body: first.Body, Operation: "grantToWallet"},
		surfacetest.Request{Method: post, Path: wallets + "/refunds", Body: `{}`, Operation: "refundToWallet"},
		surfacetest.Request{Method: put, Path: wallets + "/overdraft", Body: `{}`, Operation: "setWalletOverdraft"},
	)
	if got := d.audited("category=wallet&limit=3"); !slices.Equal(got, []string{"wallet.overdraft_set", "wallet.refunded", "wallet.granted"}) {
		d.t.Errorf("audited %v", got)
	}
}

func (d *desk) refunds() {
	d.t.Helper()
	d.call(post, "/v1/chat/completions", d.guest.key, chat("gpt-4o-mini", false), nil, 200)
	d.settled()
	var listed struct {
		Items []struct {
			ID      string `json:"id"`
			Charged string `json:"finalChargeAmountText"`
		} `json:"items"`
	}
	d.call(get, "/api/v1/tasks", d.guest.key, nil, &listed, 200)
	d.values["task"], d.values["charged"] = listed.Items[0].ID, listed.Items[0].Charged
	refund := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: post, Path: wallets + "/refunds", Body: body, Operation: "refundToWallet", Status: status, Code: code, At: at}
	}
	part := refund("wallet refunded", `{"taskId":"{task}","amount":0.00001,"reason":"sorry","idempotencyKey":"r-1"}`, 201, "", "")
	part.Golden = true
	d.ask(part)
	after := d.spendable()
	if d.ask(refund("refunded again", part.Body, 201, "", "")); d.spendable() != after {
		d.t.Errorf("refunded twice: %s, then %s", after, d.spendable())
	}
	d.all(
		refund("more than was charged", `{"taskId":"{task}","amount":{charged},"reason":"x","idempotencyKey":"r-2"}`, 409, "refund_exceeds_charge", "amount"),
		refund("another refund under the key", `{"taskId":"{task}","amount":0.00002,"reason":"x","idempotencyKey":"r-1"}`, 409, "idempotency_conflict", "idempotencyKey"),
		refund("refund of nothing", `{"taskId":"{task}","amount":0,"reason":"x","idempotencyKey":"r-2"}`, 400, "amount_invalid", "amount"),
		refund("refund of no call", `{"taskId":"`+nobody+`","amount":1,"reason":"x","idempotencyKey":"r-2"}`, 404, "not_found", "taskId"),
		refund("refund of no id", `{"taskId":"1","amount":1,"reason":"x","idempotencyKey":"r-2"}`, 400, "invalid_parameter", "taskId"),
		refund("refund without a reason", `{"taskId":"{task}","amount":1,"idempotencyKey":"r-2"}`, 400, "invalid_parameter", "reason"),
	)
	other := d.invite("somebody", "")
	d.ask(surfacetest.Request{
		Name: "refund to another", As: "admin", Method: post, Path: "/api/console/wallets/" + other.id.String() + "/refunds",
		Body: `{"taskId":"{task}","amount":0.00001,"reason":"x","idempotencyKey":"r-3"}`, Operation: "refundToWallet", Status: 404, Code: "not_found", At: "taskId",
	})
}

func (d *desk) overdrafts() {
	d.t.Helper()
	overdraft := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: put, Path: wallets + "/overdraft", Body: body, Operation: "setWalletOverdraft", Status: status, Code: code, At: at}
	}
	before := d.spendable()
	set := overdraft("wallet overdraft", `{"amount":5,"reason":"good customer"}`, 200, "", "")
	set.Golden = true
	d.ask(set)
	if d.spendable() == before {
		d.t.Errorf("spendable is %s with and without an overdraft", before)
	}
	d.all(
		overdraft("overdraft without a wallet", `{"amount":5,"currency":"EUR","reason":"x"}`, 404, "wallet_missing", "currency"),
		overdraft("overdraft below zero", `{"amount":-5,"reason":"x"}`, 400, "amount_invalid", "amount"),
		overdraft("overdraft without a reason", `{"amount":5}`, 400, "invalid_parameter", "reason"),
		surfacetest.Request{Name: "user wallets", As: "admin", Method: get, Path: wallets, Operation: "listUserWallets", Status: 200, Golden: true},
		surfacetest.Request{Name: "wallets of nobody", As: "admin", Method: get, Path: "/api/console/wallets/" + nobody, Operation: "listUserWallets", Status: 404, Code: "not_found"},
	)
}

// spendable is what calls of the guest may still take in USD, as an exact text.
func (d *desk) spendable() string {
	d.t.Helper()
	var out struct {
		Items []struct {
			Currency      string
			SpendableText string
			Spendable     json.Number
		}
	}
	d.call(get, surfacetest.Fill(wallets, d.values), d.admin, nil, &out, 200)
	for _, w := range out.Items {
		if w.Currency == "USD" {
			return w.SpendableText
		}
	}
	d.t.Fatal("there is no wallet in USD")
	return ""
}
