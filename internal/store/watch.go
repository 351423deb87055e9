package store

import (
	"context"

	"github.com/uptrace/bun"
)

// watcher tells of bun's statements.
type watcher struct {
	tell func(ctx context.Context, statement string)
}

// BeforeQuery implements bun.QueryHook.
func (w watcher) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	w.tell(ctx, e.Query)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (watcher) AfterQuery(context.Context, *bun.QueryEvent) {}

// watchBy has f told of every statement; nil changes nothing.
func (d *database) watchBy(f func(ctx context.Context, statement string)) {
	if d.watch = f; f == nil {
		return
	}
	shared := d.reader == d.writer
	d.writer = d.writer.WithQueryHook(watcher{f})
	if d.reader = d.reader.WithQueryHook(watcher{f}); shared {
		d.reader = d.writer
	}
}
