package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/store"
)

// LedgerCheck looks at what lies beside the database, such as a journal.
type LedgerCheck func(context.Context) ([]wallet.Finding, error)

// checkJournal looks for damage in the files that the database does not have yet.
func checkJournal(cfg config.Config) LedgerCheck {
	return func(context.Context) ([]wallet.Finding, error) {
		lost, err := journal.Inspect(journalDir(cfg))
		if err != nil {
			return nil, err
		}
		var out []wallet.Finding
		for _, l := range lost {
			out = append(out, wallet.Finding{
				Check: "journal", Row: "segment " + l.Segment, Field: fmt.Sprintf("offsets %d to %d", l.From, l.To),
				Expected: "readable", Actual: "damaged",
			})
		}
		return out, nil
	}
}

func journalDir(cfg config.Config) string { return filepath.Join(cfg.Data, "journal") }

// RepairJournal reads a damaged journal past its damage; see journal.Salvage. The installation must not be running.
func RepairJournal(ctx context.Context, cfg config.Config, dry bool) (journal.Repair, error) {
	data, err := openDataDir(cfg.Data)
	if err != nil {
		return journal.Repair{}, err
	}
	defer data.close()
	s, err := store.Open(ctx, store.Options{
		URL: cfg.Database.URL.Reveal(), Path: data.file("gantry.db"), MaxReaders: 2, Clock: clock.System,
	})
	if err != nil {
		return journal.Repair{}, err
	}
	defer s.Close()
	return journal.Salvage(ctx, journal.Options{Dir: journalDir(cfg), Sink: s.Journal()}, clock.System, dry)
}

// VerifyLedger holds the books of an installation against what must be true of them, and adds what the extra checks
// find. It changes nothing and works while the installation is being served.
func VerifyLedger(ctx context.Context, cfg config.Config, extra ...LedgerCheck) (wallet.Audit, error) {
	s, err := openBooks(ctx, cfg)
	if err != nil {
		return wallet.Audit{}, err
	}
	defer s.Close()
	found, err := s.Wallet().Verify(ctx)
	if err != nil {
		return wallet.Audit{}, err
	}
	for _, check := range append(extra, checkJournal(cfg)) {
		findings, err := check(ctx)
		if err != nil {
			return wallet.Audit{}, err
		}
		for _, f := range findings {
			found.Add(f)
		}
	}
	return found, nil
}

// LedgerStatement shows a wallet's statement: visit is called once, while the books are open. user is a user's id, name
// or e-mail.
func LedgerStatement(
	ctx context.Context, cfg config.Config, user string, c money.Currency, from, to time.Time,
	visit func(identity.User, wallet.Statement) error,
) error {
	s, err := openBooks(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	owner, err := findUser(ctx, s.Identity(), user)
	if err != nil {
		return err
	}
	service := wallet.NewService(wallet.Options{
		Store: s.Wallet(), Book: wallet.NewBook(s.Wallet(), clock.System), Now: clock.System,
		Flush: func(context.Context) error { return nil }, // what is booked is shown; another process may be at work
	})
	found, err := service.Statement(ctx, wallet.StatementQuery{UserID: owner.ID, Currency: c, From: from, To: to})
	if errors.Is(err, fault.ErrNotFound) {
		return fmt.Errorf("%s has no wallet in %s", user, c)
	}
	if err != nil {
		return err
	}
	return visit(owner, found)
}

// findUser takes what looks like an id for one: nobody can hide another's account by taking its id as a name.
func findUser(ctx context.Context, users *store.Identity, name string) (user identity.User, err error) {
	if key, malformed := id.Parse(name); malformed == nil {
		user, err = users.UserByID(ctx, key)
	} else {
		user, err = users.UserByAccount(ctx, name)
	}
	if errors.Is(err, fault.ErrNotFound) {
		return identity.User{}, fmt.Errorf("there is no user %s", name)
	}
	return user, err
}

func openBooks(ctx context.Context, cfg config.Config) (*store.Store, error) {
	return store.OpenReadOnly(ctx, store.Options{
		URL: cfg.Database.URL.Reveal(), Path: filepath.Join(cfg.Data, "gantry.db"), MaxReaders: 2,
	})
}
