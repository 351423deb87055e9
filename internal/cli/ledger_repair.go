package cli

import (
	"context"
	"errors"
	"fmt"
)

type ledgerRepairCommand struct {
	settings

	Yes bool `name:"yes" help:"Do it; without this the damage is only shown."`
}

// Run shows the damage and, when told to, applies what can be read and puts the damaged files aside.
func (c ledgerRepairCommand) Run(ctx context.Context, p Program) error {
	if p.Ledger.Repair == nil {
		return errors.New("this build has no ledger")
	}
	settled, _, err := c.load(p)
	if err != nil {
		return fmt.Errorf("configuration:\n%w", err)
	}
	r, err := p.Ledger.Repair(ctx, settled, !c.Yes)
	if err != nil {
		return err
	}
	out := &errWriter{w: p.Stdout}
	for _, l := range r.Lost {
		out.printf("lost: %s\n", l)
	}
	out.printf("%d stretches lost, %d records to apply, %d cut calls to close\n", len(r.Lost), r.Applied, r.Closed)
	if r.KeptIn == "" {
		out.printf("Nothing was changed. Run it again with --yes to repair.\n")
	} else {
		out.printf("Done. The damaged files are in %s.\n", r.KeptIn)
	}
	return out.err
}
