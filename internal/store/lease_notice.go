package store

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/lease"
)

// leaseChannel carries notices of wallets near zero: "recall <wallet>" and "return <wallet>".
const leaseChannel = "gantry_lease"

// notify tells all nodes once the transaction is committed.
func notify(ctx context.Context, t *transaction, v lease.Notice) error {
	word := "return "
	if v.Recall {
		word = "recall "
	}
	_, err := t.ExecContext(ctx, "SELECT pg_notify(?, ?)", leaseChannel, word+v.Wallet.String())
	return err
}

// Listen implements lease.Authority. It keeps one connection of the pool. The connection is not used for anything else
// afterwards, because it would still listen.
func (s *Leases) Listen(ctx context.Context, f func(lease.Notice)) error {
	return s.onPgx(ctx, func(conn *pgx.Conn) error {
		defer conn.Close(context.WithoutCancel(ctx))
		if _, err := conn.Exec(ctx, "LISTEN "+leaseChannel); err != nil {
			return err
		}
		for {
			n, err := conn.WaitForNotification(ctx)
			if err != nil {
				return err
			}
			word, text, _ := strings.Cut(n.Payload, " ")
			if w, err := id.Parse(text); err == nil {
				f(lease.Notice{Wallet: w, Recall: word == "recall"})
			}
		}
	})
}
