package jobs

import (
	"context"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// bell wakes the workers of this process for what it has enqueued itself. SQLite tells nobody of anything, and looking
// often enough instead has a query parsed each time.
type bell chan struct{}

// ring wakes, once for all that was enqueued since the last time.
func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// belled is River's driver for SQLite with a listener, which hears the bell.
type belled struct {
	*riversqlite.Driver
	bell bell
}

// SupportsListener implements riverdriver.Driver. That SupportsListenNotify stays false keeps River from telling over SQL.
func (belled) SupportsListener() bool { return true }

// GetListener implements riverdriver.Driver.
func (d belled) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener { return d.bell }

// WaitForNotification implements riverdriver.Listener. Topic and payload are what River itself sends on PostgreSQL.
func (b bell) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-b:
		return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue":"default"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Connect, Listen, Unlisten, Ping and Close implement riverdriver.Listener: nothing lies between the bell and who hears it.
func (bell) Connect(context.Context) error { return nil }

// Listen does nothing: see Connect.
func (bell) Listen(context.Context, string) error { return nil }

// Unlisten does nothing: see Connect.
func (bell) Unlisten(context.Context, string) error { return nil }

// Ping does nothing: see Connect.
func (bell) Ping(context.Context) error { return nil }

// Close does nothing: see Connect.
func (bell) Close(context.Context) error { return nil }

// Schema implements riverdriver.Listener: SQLite has none.
func (bell) Schema() string { return "" }

// SetAfterConnectExec implements riverdriver.Listener, for tests of River's own.
func (bell) SetAfterConnectExec(string) {}
