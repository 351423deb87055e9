package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// LedgerStatement is what happened to a wallet in a period. Its lines can be read once, while it is shown.
type LedgerStatement struct {
	User     string
	UserID   string
	Currency money.Currency
	From, To time.Time
	Opening  money.Amount
	In, Out  money.Amount
	Closing  money.Amount
	Entries  int64
	Lines    iter.Seq2[LedgerLine, error]
}

// LedgerLine is one entry. Moved is positive when money came in; Balance is the balance after it.
type LedgerLine struct {
	Number    int64
	At        time.Time
	Kind      string
	Reference string
	Reason    string
	Moved     money.Amount
	Balance   money.Amount
}

type ledgerStatementCommand struct {
	settings

	User     string `required:"" help:"Id, name or e-mail of the user."`
	Currency string `required:"" help:"Currency of the wallet."`
	From     string `placeholder:"TIME" help:"First moment of the period, as 2026-03-01 or 2026-03-01T08:00:00+08:00; a date is its beginning in UTC."`
	To       string `placeholder:"TIME" help:"First moment after the period."`
	Format   string `enum:"table,csv,json" default:"table" help:"How to print it: table, csv or json."`
}

// Run prints a statement.
func (c ledgerStatementCommand) Run(ctx context.Context, p Program) error {
	if p.Ledger.Statement == nil {
		return errors.New("this build has no ledger")
	}
	q, err := c.query()
	if err != nil {
		return err
	}
	settled, _, err := c.load(p)
	if err != nil {
		return fmt.Errorf("configuration:\n%w", err)
	}
	render := map[string]func(io.Writer, LedgerStatement) error{
		"table": renderTable, "csv": renderCSV, "json": renderStatementJSON,
	}[c.Format]
	return p.Ledger.Statement(ctx, settled, q, func(s LedgerStatement) error { return render(p.Stdout, s) })
}

func (c ledgerStatementCommand) query() (q LedgerQuery, err error) {
	q.User, q.Currency = c.User, money.Currency(c.Currency)
	if !q.Currency.Known() {
		return q, fmt.Errorf("--currency: %s is not supported", c.Currency)
	}
	if q.From, err = parseMoment(c.From); err != nil {
		return q, fmt.Errorf("--from: %w", err)
	}
	if q.To, err = parseMoment(c.To); err != nil {
		return q, fmt.Errorf("--to: %w", err)
	}
	return q, nil
}

// parseMoment reads a date or a moment; empty is the zero time.
func parseMoment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a date nor a moment", text)
}

const momentLayout = "2006-01-02T15:04:05.000000Z07:00"

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(momentLayout)
}

// renderTable prints lines as they come, in columns of fixed width: a wallet may have a million of them.
func renderTable(w io.Writer, s LedgerStatement) error {
	out := &errWriter{w: w}
	c := s.Currency
	out.printf("%s (%s), %s\n", printable(s.User), s.UserID, c)
	out.printf("from %s to %s\n\n", orElse(moment(s.From), "the beginning"), orElse(moment(s.To), "now"))
	const row = "%10s  %-27s  %-10s  %20s  %20s  %s\n"
	out.printf(row, "number", "time", "kind", "amount", "balance", "reference")
	out.printf(row, "", moment(s.From), "opening", "", s.Opening.Text(c), "")
	for l, err := range s.Lines {
		if err != nil {
			return err
		}
		about := strings.TrimSpace(l.Reference + "  " + printable(l.Reason))
		out.printf(row, strconv.FormatInt(l.Number, 10), moment(l.At), l.Kind, signed(l.Moved, c), l.Balance.Text(c), about)
		if out.err != nil {
			return out.err
		}
	}
	out.printf(row, "", moment(s.To), "closing", "", s.Closing.Text(c), "")
	out.printf("\n%d entries, %s in, %s out\n", s.Entries, s.In.Text(c), s.Out.Text(c))
	return out.err
}

// printable keeps what people wrote from moving a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

func signed(a money.Amount, c money.Currency) string {
	if a > 0 {
		return "+" + a.Text(c)
	}
	return a.Text(c)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// renderCSV prints the opening balance, the entries and the closing balance, a row each.
func renderCSV(w io.Writer, s LedgerStatement) error {
	out := csv.NewWriter(w)
	c := s.Currency
	rows := [][]string{
		{"number", "time", "kind", "reference", "reason", "currency", "amount", "balance"},
		{"", moment(s.From), "opening", "", "", string(c), "", s.Opening.Text(c)},
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	for l, err := range s.Lines {
		if err != nil {
			return err
		}
		err := out.Write([]string{
			strconv.FormatInt(l.Number, 10), moment(l.At), l.Kind, cell(l.Reference), cell(l.Reason), string(c),
			l.Moved.Text(c), l.Balance.Text(c),
		})
		if err != nil {
			return err
		}
	}
	return out.WriteAll([][]string{{"", moment(s.To), "closing", "", "", string(c), "", s.Closing.Text(c)}})
}

// cell keeps spreadsheets from taking what people wrote for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// renderStatementJSON prints one object; its entries are written as they come.
func renderStatementJSON(w io.Writer, s LedgerStatement) error {
	c := s.Currency
	head, err := json.Marshal(statementHead{
		User: s.User, UserID: s.UserID, Currency: c, From: moment(s.From), To: moment(s.To), Opening: s.Opening.Text(c),
		In: s.In.Text(c), Out: s.Out.Text(c), Closing: s.Closing.Text(c), Count: s.Entries,
	})
	if err != nil {
		return err
	}
	out := &errWriter{w: w}
	out.printf("%s,\"entries\":[", head[:len(head)-1])
	separator := "\n"
	for l, err := range s.Lines {
		if err != nil {
			return err
		}
		line, err := json.Marshal(statementEntry{
			Number: l.Number, Time: moment(l.At), Kind: l.Kind, Reference: l.Reference, Reason: l.Reason,
			Amount: l.Moved.Text(c), Balance: l.Balance.Text(c),
		})
		if err != nil {
			return err
		}
		out.printf("%s%s", separator, line)
		separator = ",\n"
	}
	out.printf("]}\n")
	return out.err
}

// Amounts are texts: JSON's numbers are read as floats by many.
type statementHead struct {
	User     string         `json:"user"`
	UserID   string         `json:"userId"`
	Currency money.Currency `json:"currency"`
	From     string         `json:"from,omitempty"`
	To       string         `json:"to,omitempty"`
	Opening  string         `json:"opening"`
	In       string         `json:"in"`
	Out      string         `json:"out"`
	Closing  string         `json:"closing"`
	Count    int64          `json:"count"`
}

type statementEntry struct {
	Number    int64  `json:"number"`
	Time      string `json:"time"`
	Kind      string `json:"kind"`
	Reference string `json:"reference"`
	Reason    string `json:"reason,omitempty"`
	Amount    string `json:"amount"`
	Balance   string `json:"balance"`
}
