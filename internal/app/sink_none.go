//go:build nosink

package app

import (
	"context"

	"github.com/gantry-ai/gantry/internal/journal"
)

// journalSink takes finished calls and writes them nowhere, so that a benchmark can tell what the relay costs without the
// database. A binary built so forgets every charge when it ends.
func journalSink(s journal.Sink) journal.Sink { return discard{s} }

type discard struct{ journal.Sink }

// RecordsApply implements journal.Sink.
func (discard) RecordsApply(context.Context, []*journal.Record, journal.Position) error { return nil }
