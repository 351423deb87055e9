package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/gantry-ai/gantry/internal/app"
	"github.com/gantry-ai/gantry/internal/cli"
	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
)

// verifyLedger puts an audit into the words of the command line.
func verifyLedger(ctx context.Context, cfg config.Config) (cli.LedgerReport, error) {
	found, err := app.VerifyLedger(ctx, cfg)
	if err != nil {
		return cli.LedgerReport{}, err
	}
	out := cli.LedgerReport{
		OK: found.Clean(), Batches: found.Batches, Transfers: found.Transfers, Accounts: found.Accounts, Tasks: found.Tasks,
		Head: hex.EncodeToString(found.Head[:]),
	}
	for _, c := range found.Checks {
		check := cli.LedgerCheck{Name: c.Name, Says: c.Says, OK: c.Wrong == 0, Wrong: c.Wrong}
		if c.Wrong > 0 {
			check.First = &cli.LedgerFinding{
				Row: c.First.Row, Field: c.First.Field, Expected: c.First.Expected, Actual: c.First.Actual,
			}
		}
		out.Checks = append(out.Checks, check)
	}
	return out, nil
}

// repairLedger puts a repair into the words of the command line.
func repairLedger(ctx context.Context, cfg config.Config, dry bool) (cli.LedgerRepair, error) {
	r, err := app.RepairJournal(ctx, cfg, dry)
	out := cli.LedgerRepair{Applied: r.Applied, Closed: r.Captured + r.Released, KeptIn: r.KeptIn}
	for _, l := range r.Lost {
		out.Lost = append(out.Lost, fmt.Sprintf("segment %s, offsets %d to %d", l.Segment, l.From, l.To))
	}
	return out, err
}

// ledgerStatement puts a statement into the words of the command line.
func ledgerStatement(
	ctx context.Context, cfg config.Config, q cli.LedgerQuery, show func(cli.LedgerStatement) error,
) error {
	return app.LedgerStatement(ctx, cfg, q.User, q.Currency, q.From, q.To,
		func(owner identity.User, s wallet.Statement) error {
			return show(cli.LedgerStatement{
				User: owner.Username, UserID: owner.ID.String(), Currency: s.Account.Currency, From: s.From, To: s.To,
				Opening: s.Opening, In: s.In, Out: s.Out, Closing: s.Closing, Entries: s.Entries,
				Lines: func(yield func(cli.LedgerLine, error) bool) {
					for l, err := range s.Lines {
						if !yield(ledgerLine(&l), err) {
							return
						}
					}
				},
			})
		})
}

func ledgerLine(l *wallet.StatementLine) cli.LedgerLine {
	return cli.LedgerLine{
		Number: l.Number, At: l.At, Kind: string(l.Kind), Reference: l.RefType + ":" + l.RefID, Reason: l.Reason,
		Moved: l.Moved(), Balance: l.Balance,
	}
}
