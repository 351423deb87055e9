// Package files keeps what users bring for later calls, and what was made for them apart from a call.
package files

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Purpose is what a file is for.
type Purpose string

// Purposes that Gantry itself goes by. UserData is of files for any call. BatchOutput is of files that batches make; nobody brings one.
const (
	Batch       Purpose = "batch"
	UserData    Purpose = "user_data"
	BatchOutput Purpose = "batch_output"
	// MessageBatch and MessageResults are what goes into batches of Anthropic's protocol and comes out. Their owners know them
	// by the batch alone.
	MessageBatch   Purpose = "message_batch"
	MessageResults Purpose = "message_results"
)

// Internal are the purposes of files that are no callers' own: nobody lists them, and only Gantry's own parts open them.
func Internal() []Purpose { return []Purpose{MessageBatch, MessageResults} }

// internal reports whether a file is not its owner's to see.
func (f *File) internal() bool { return slices.Contains(Internal(), f.Purpose) }

// made reports whether files of the purpose are made for their owners, who have paid for what is in them.
func (p Purpose) made() bool { return p == BatchOutput || p == MessageResults }

// purposes are those that a caller may bring a file for. Source: the provider sheet "openai", section 8.
var purposes = map[Purpose]bool{
	"assistants": true, Batch: true, "fine-tune": true, "vision": true, UserData: true, "evals": true,
}

// File is a file of a user's. It never changes.
type File struct {
	ID       id.ID
	TenantID id.ID
	UserID   id.ID
	// BlobID is where the bytes are.
	BlobID  id.ID
	Name    string
	Purpose Purpose
	// MediaType is what it is, such as application/pdf.
	MediaType string
	Size      int64
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Quota is what one user may have; 0 is nothing.
type Quota struct{ Files, Bytes int64 }

// Query selects files of an owner's. A zero Purpose is any.
type Query struct {
	Purpose Purpose
	// After is the file behind which the list goes on; zero: from the beginning.
	After id.ID
	// Oldest says that the oldest come first.
	Oldest bool
	Limit  int
}

// Store keeps the rows. What is past its ExpiresAt is not found.
type Store interface {
	tx.Runner

	// FileInsert writes a file, unless its owner has as much as the quota allows: ErrQuota. Those of one owner wait for each other.
	FileInsert(ctx context.Context, t tx.Tx, f *File, q Quota) error
	// FileByID returns a file, an internal one, too. Error: fault.ErrNotFound.
	FileByID(ctx context.Context, o identity.Owner, file id.ID, now time.Time) (File, error)
	// FileList returns files that are not internal.
	FileList(ctx context.Context, o identity.Owner, q Query, now time.Time) ([]File, error)
	// FileDelete removes a file and returns it. Error: fault.ErrNotFound.
	FileDelete(ctx context.Context, o identity.Owner, file id.ID, now time.Time) (File, error)
	// FilesForget deletes at most limit files that expired before a moment, and tells how many. Their bytes end by themselves.
	FilesForget(ctx context.Context, before time.Time, limit int) (int, error)
}

// Contents is where the bytes are.
type Contents interface {
	// Keep stores a content until a time. Codes: file_too_large, storage_unavailable.
	Keep(ctx context.Context, o identity.Owner, content []byte, until time.Time) (id.ID, error)
	// Open returns a content for reading. Codes: not_found, storage_unavailable.
	Open(ctx context.Context, blob id.ID) (io.ReadSeekCloser, error)
	// Delete removes a content. Codes: not_found, storage_unavailable.
	Delete(ctx context.Context, blob id.ID) error
}

// Faults of the package.
var (
	ErrQuota    = fault.New(403, "storage_quota_exceeded", "You have as many files as you may have. Delete some.")
	ErrTooLarge = fault.New(413, "file_too_large", "The file is too large.").At("file")
	ErrPurpose  = fault.ErrInvalid.Saying("The purpose is not known.").At("purpose")
	ErrExpiry   = fault.ErrInvalid.Saying("expires_after is anchored at created_at, and from 3600 to 2592000 seconds.").At("expires_after")
	ErrEmpty    = fault.ErrInvalid.Saying("The file is empty.").At("file")
)
