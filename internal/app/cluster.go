package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/lease"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/store"
)

// callJournal is where calls are taken down: files when this node is alone, settlements in the database when there are
// others.
type callJournal interface {
	relay.Journal
	// Flush waits until everything taken before is in the database.
	Flush(ctx context.Context) error
	Close(ctx context.Context) error
}

// failed is closed when the journal has failed for good; nil, which never is, for one that recovers by itself.
func failed(j callJournal) <-chan struct{} {
	if f, ok := j.(interface{ Failed() <-chan struct{} }); ok {
		return f.Failed()
	}
	return nil
}

// startBooks opens the journal and the book that calls are paid from.
func (a *App) startBooks(ctx context.Context) error {
	if !a.cfg.Cluster.Enabled {
		if err := a.endLeases(ctx); err != nil {
			return err
		}
		a.book = wallet.NewBook(a.store.Wallet(), a.now)
		return a.startJournal(ctx)
	}
	if err := a.emptyJournal(ctx); err != nil {
		return err
	}
	name, err := a.nodeName()
	if err != nil {
		return err
	}
	node, err := lease.Start(ctx, lease.Options{
		Authority: a.store.Leases(lease.Terms{}), Name: name, Now: a.now, Log: a.log,
	})
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	a.node, a.book, a.journal = node, wallet.NewLeasedBook(a.store.Wallet(), a.now, node.Lend), lease.NewWriter(node)
	event.On(&a.bus, a.tellIdentityNews)
	return nil
}

// emptyJournal takes in what this node has left in files when it was alone.
func (a *App) emptyJournal(ctx context.Context) error {
	left, err := filepath.Glob(filepath.Join(journalDir(a.cfg), "*.log"))
	if err != nil || len(left) == 0 {
		return err
	}
	if err := a.startJournal(ctx); err != nil {
		return err
	}
	return a.journal.Close(ctx)
}

const (
	// seenLately is how long ago a node may have been seen that is still alive: several renewals.
	seenLately = 10 * time.Second
	// leasesEnd is by when every lease that nobody renews is fenced: its time to live and the grace, and a little.
	leasesEnd = 20 * time.Second
)

// endLeases makes sure that this node is alone, and gives back what nodes that are gone had borrowed.
func (a *App) endLeases(ctx context.Context) error {
	leases := a.store.Leases(lease.Terms{})
	if err := a.awaitAlone(ctx, leases); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, leasesEnd)
	defer cancel()
	for {
		out, err := leases.Out(ctx)
		if err != nil || out == 0 {
			return err
		}
		if _, err := leases.FenceExpired(ctx); err != nil {
			return err
		}
		if _, err := leases.Fold(ctx); err != nil {
			return err
		}
		a.log.Info("waiting for leases of nodes that are gone", "leases", out)
		<-time.After(time.Second)
	}
}

// awaitAlone returns when no other node is alive; one that has just ended is waited out.
func (a *App) awaitAlone(ctx context.Context, leases *store.Leases) error {
	for limit := a.now().Add(seenLately + time.Second); ; {
		alive, err := leases.Alive(ctx, seenLately)
		if err != nil || len(alive) == 0 {
			return err
		}
		if a.now().After(limit) {
			return fmt.Errorf("this database is served by the nodes %s: set cluster.enabled to join them, or stop them first",
				strings.Join(alive, ", "))
		}
		a.log.Info("waiting to see whether other nodes are alive", "nodes", alive)
		<-time.After(time.Second)
	}
}

// identityNews is the setting that changes with every change of who may come in.
const identityNews = "identity.news"

// identityTargets are the objects that nodes keep in memory to recognise callers.
var identityTargets = []string{"api_key", "user", "user_group", "tenant", "session"}

// tellIdentityNews lets the other nodes know, in the transaction of the change, that what they remember may be wrong.
func (a *App) tellIdentityNews(ctx context.Context, t tx.Tx, c event.Change) error {
	if !slices.Contains(identityTargets, c.TargetType) {
		return nil
	}
	return a.store.Settings().Put(ctx, t, identityNews, []byte(id.At(a.now()).String()))
}

// forgetHomes forgets callers when their group or tenant was changed: discounts and policies follow from those.
func (a *App) forgetHomes(_ context.Context, t tx.Tx, c event.Change) error {
	if c.TargetType == "user_group" || c.TargetType == "tenant" {
		t.AfterCommit(a.directory.InvalidateAll)
	}
	return nil
}

// hearIdentityNews forgets callers when another node has changed who may come in.
func (a *App) hearIdentityNews(ctx context.Context) error {
	if !a.cfg.Cluster.Enabled {
		return nil
	}
	news, err := a.store.Settings().Get(ctx, nil, identityNews)
	if err != nil {
		return ignoreMissing(err)
	}
	if string(news) != a.heard {
		a.heard = string(news)
		a.directory.InvalidateAll()
		a.limiting.book.Clear()
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fault.ErrNotFound) {
		return nil
	}
	return err
}
