package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/lease"
	"github.com/gantry-ai/gantry/internal/relay"
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
		a.book = wallet.NewBook(a.store.Wallet(), a.now)
		return a.startJournal(ctx)
	}
	name := a.cfg.Cluster.Node
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return fmt.Errorf("cluster.node: %w", err)
		}
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
		a.limiting.book.Renew(a.relay.Snapshot().Version)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fault.ErrNotFound) {
		return nil
	}
	return err
}
