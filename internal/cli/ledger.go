package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Ledger is what the program can tell about the books of an installation.
type Ledger struct {
	// Verify holds the books against what must be true of them.
	Verify func(ctx context.Context, c config.Config) (LedgerReport, error)
	// Repair reads a damaged journal past its damage; dry only looks.
	Repair func(ctx context.Context, c config.Config, dry bool) (LedgerRepair, error)
	// Statement calls show once with the statement of a user's wallet.
	Statement func(ctx context.Context, c config.Config, q LedgerQuery, show func(LedgerStatement) error) error
}

// LedgerReport is what Verify found.
type LedgerReport struct {
	OK        bool          `json:"ok"`
	Batches   int64         `json:"batches"`
	Transfers int64         `json:"transfers"`
	Accounts  int64         `json:"accounts"`
	Tasks     int64         `json:"tasks"`
	Head      string        `json:"head"` // hash of the last batch, in hexadecimal
	Checks    []LedgerCheck `json:"checks"`
}

// LedgerCheck is one statement about the books.
type LedgerCheck struct {
	Name  string         `json:"name"`
	Says  string         `json:"says"`
	OK    bool           `json:"ok"`
	Wrong int64          `json:"wrong"`           // in how many places it is not true
	First *LedgerFinding `json:"first,omitempty"` // the first of them
}

// LedgerFinding is one place where the books are wrong.
type LedgerFinding struct {
	Row      string `json:"row"`
	Field    string `json:"field"`
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
}

// LedgerQuery asks for a statement.
type LedgerQuery struct {
	User     string
	Currency money.Currency
	From, To time.Time // zero: no bound
}

// LedgerRepair is what a repair found and did.
type LedgerRepair struct {
	Applied, Closed int
	Lost            []string // stretches that could not be read
	KeptIn          string   // where the damaged files are now; empty when nothing was changed
}

type ledgerCommands struct {
	Repair    ledgerRepairCommand    `cmd:"" help:"Read a damaged journal past its damage, while the program is stopped."`
	Verify    ledgerVerifyCommand    `cmd:"" help:"Prove that the books are right; code 1 when they are not."`
	Statement ledgerStatementCommand `cmd:"" help:"Print what happened to a wallet in a period."`
}

type ledgerVerifyCommand struct {
	settings

	JSON bool `name:"json" help:"Print the report as JSON."`
}

// Run prints a report and fails when a check does.
func (c ledgerVerifyCommand) Run(ctx context.Context, p Program) error {
	if p.Ledger.Verify == nil {
		return errors.New("this build has no ledger")
	}
	settled, _, err := c.load(p)
	if err != nil {
		return fmt.Errorf("configuration:\n%w", err)
	}
	report, err := p.Ledger.Verify(ctx, settled)
	if err != nil {
		return err
	}
	render := renderReport
	if c.JSON {
		render = renderJSON
	}
	if err := render(p.Stdout, report); err != nil {
		return err
	}
	if !report.OK {
		return errors.New("the books are not right")
	}
	return nil
}

func renderJSON(w io.Writer, r LedgerReport) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// renderReport prints one line per check, and below a failed one its first finding.
func renderReport(w io.Writer, r LedgerReport) error {
	out := &errWriter{w: w}
	out.printf("%d transfers in %d batches, %d accounts, %d tasks\nhead %s\n\n", r.Transfers, r.Batches, r.Accounts, r.Tasks, r.Head)
	failed := 0
	for _, c := range r.Checks {
		if c.OK {
			out.printf("ok    %-9s %s\n", c.Name, c.Says)
			continue
		}
		failed++
		out.printf("FAIL  %-9s %s: %d times not, first\n", c.Name, c.Says, c.Wrong)
		out.printf("        %s: %s is %s, must be %s\n", c.First.Row, c.First.Field, c.First.Actual, c.First.Expected)
	}
	if failed == 0 {
		out.printf("\nThe books are right.\n")
	} else {
		out.printf("\nThe books are NOT right: %d of %d checks failed.\n", failed, len(r.Checks))
	}
	return out.err
}

// errWriter remembers the first error of many writes.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) printf(format string, args ...any) {
	if e.err == nil {
		_, e.err = fmt.Fprintf(e.w, format, args...)
	}
}
