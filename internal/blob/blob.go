// Package blob keeps files: what calls made, for as long as it is kept. A file lies on the local disk or in an object store
// that speaks S3, a row tells whose it is, and a signed link lets whoever holds it read it for a while.
package blob

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Blob is a file that is kept. It never changes.
type Blob struct {
	ID       id.ID
	TenantID id.ID
	UserID   id.ID
	TaskID   id.ID // that made it; zero: none did
	// ContentType is what the file looks like, whatever it was called: one of those that Sniff knows.
	ContentType string
	Size        int64
	SHA256      [32]byte
	Simulated   bool
	CreatedAt   time.Time
	ExpiresAt   time.Time // it may be deleted from then on
}

// Objects is where the bytes lie, by key: a path of ASCII letters, digits, "-" and "/". All keys are Gantry's own.
type Objects interface {
	// Put writes an object whole, or not at all. It is durable when Put returns. An object that is there is replaced.
	Put(ctx context.Context, key string, content []byte, contentType string) error
	// Open returns an object for reading. Error: fault.ErrNotFound.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, key string) error
}

// Rows is what is known of the files. Errors as elsewhere in storage: fault.ErrNotFound, fault.ErrConflict.
type Rows interface {
	BlobInsert(ctx context.Context, b *Blob) error
	BlobByID(ctx context.Context, blob id.ID) (Blob, error)
	// BlobsOfTask returns what a task made, in the order in which it was kept.
	BlobsOfTask(ctx context.Context, tenant, task id.ID) ([]Blob, error)
	// BlobsExpired returns some of those that were to end before a time.
	BlobsExpired(ctx context.Context, before time.Time, limit int) ([]Blob, error)
	BlobDelete(ctx context.Context, blob id.ID) error
}

// Faults of the package.
var (
	ErrTooLarge    = fault.New(http.StatusRequestEntityTooLarge, "file_too_large", "The file is too large to be kept.")
	ErrLinkInvalid = fault.New(http.StatusForbidden, "link_invalid", "This link is not valid.")
	ErrLinkExpired = fault.New(http.StatusForbidden, "link_expired", "This link has expired.")
	ErrUnavailable = fault.New(http.StatusServiceUnavailable, "storage_unavailable", "The file storage cannot be reached.")
)

// key is where a file's bytes lie. Ids begin with the time, so their end is what spreads them over folders.
func key(blob id.ID) string {
	text := blob.String()
	return "blobs/" + text[len(text)-2:] + "/" + text
}
