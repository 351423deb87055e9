package app

import (
	"context"
	"time"
)

const (
	// expireEvery is how soon a grant is taken back after its time.
	expireEvery = time.Minute
	// usedEvery is how often it is written down when keys were last used.
	usedEvery = 10 * time.Second
	// sealEvery is how soon the tasks of a day that is over are counted, and sealAtOnce how many days at a time.
	sealEvery, sealAtOnce = time.Minute, 60
	// chunksAtOnce is how many thousands of entries of wallets are counted at a time.
	chunksAtOnce = 200
	// forgetEvery is how often sessions that ended long ago are deleted.
	forgetEvery = time.Hour
)

// startJobs starts what is done now and then, until ctx ends.
func (a *App) startJobs(ctx context.Context) {
	go every(ctx, pollEvery, a.poll)
	go every(ctx, expireEvery, a.expireGrants)
	go every(ctx, usedEvery, a.writeUsedKeys)
	go every(ctx, forgetEvery, a.forgetSessions)
	go every(ctx, sealEvery, a.sealDays)
	go every(ctx, sealEvery, a.countEntries)
	a.startHealth(ctx)
	if a.cfg.Cluster.Enabled {
		go every(ctx, countNodesEvery, a.countNodes)
	}
	go every(ctx, tidyEvery, a.tidyReplays)
	go every(ctx, forgetEvery, a.tidyMedia)
	go every(ctx, forgetEvery, a.tidyShelf)
	go every(ctx, forgetEvery, a.tidyFiles)
}

// every does a job after each pause, until ctx ends.
func every(ctx context.Context, pause time.Duration, job func(context.Context)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		job(ctx)
	}
}

// expireGrants takes back what is left of grants whose time is over.
func (a *App) expireGrants(ctx context.Context) {
	closed, err := a.wallets.ExpireGrants(ctx, a.now())
	if err != nil && ctx.Err() == nil {
		a.log.Error("grants not expired", "error", err)
	}
	if closed > 0 {
		a.log.Info("grants expired", "count", closed)
	}
}

// sealDays counts the tasks of days that are over, so that lists stay fast.
func (a *App) sealDays(ctx context.Context) {
	n, err := a.store.Tasks().DaysSeal(ctx, sealAtOnce)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("tasks of past days not counted", "error", err)
	}
	if n > 0 {
		a.log.Info("tasks of past days counted", "days", n)
	}
}

// countEntries counts entries of wallets that have many, for the same reason.
func (a *App) countEntries(ctx context.Context) {
	if _, err := a.store.Wallet().EntriesCount(ctx, chunksAtOnce); err != nil && ctx.Err() == nil {
		a.log.Warn("entries of wallets not counted", "error", err)
	}
}

// writeUsedKeys writes down when keys were last used: nothing waits for it.
func (a *App) writeUsedKeys(ctx context.Context) {
	used := a.directory.UsedKeys()
	if len(used) == 0 {
		return
	}
	if err := a.store.Identity().APIKeysUsed(ctx, used); err != nil && ctx.Err() == nil {
		a.log.Warn("last use of keys not written", "error", err)
	}
}

// forgetSessions deletes the sessions that nobody needs any more: every sign-in leaves one.
func (a *App) forgetSessions(ctx context.Context) {
	n, err := a.identity.ForgetSessions(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("sessions not forgotten", "error", err)
	}
	if n > 0 {
		a.log.Info("sessions forgotten", "count", n)
	}
}
