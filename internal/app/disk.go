//go:build !crash

package app

import "github.com/gantry-ai/gantry/internal/journal"

// journalDisk is what the journal writes to.
func journalDisk() journal.Disk { return journal.OSDisk{} }
