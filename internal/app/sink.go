//go:build !nosink

package app

import "github.com/gantry-ai/gantry/internal/journal"

// journalSink is where finished calls go.
func journalSink(s journal.Sink) journal.Sink { return s }
