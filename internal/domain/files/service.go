package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Service keeps files. All fields are required.
type Service struct {
	Store    Store
	Contents Contents
	Now      clock.Clock
	// MaxBytes is the largest file that is taken; Retention how long one is kept that does not say.
	MaxBytes  int64
	Retention time.Duration
	Quota     Quota
}

// New is a file that is brought.
type New struct {
	Name    string
	Purpose Purpose
	// MediaType is what it is said to be; "": nothing is.
	MediaType string
	Content   []byte
	// ExpiresAfter is for how long it is wanted; 0: as long as files are kept.
	ExpiresAfter time.Duration
}

// LeastExpiry and MostExpiry bound for how long a file may be wanted.
const (
	LeastExpiry = time.Hour
	MostExpiry  = 30 * 24 * time.Hour
)

const (
	maxName = 255
	// forgetBatch is how many files are deleted at once.
	forgetBatch = 200
)

// Create keeps a file that its owner brings. Codes: invalid_parameter, file_too_large, storage_quota_exceeded,
// storage_unavailable.
func (s *Service) Create(ctx context.Context, o identity.Owner, n *New) (File, error) {
	switch {
	case !purposes[n.Purpose]:
		return File{}, ErrPurpose
	case len(n.Content) == 0:
		return File{}, ErrEmpty
	case n.ExpiresAfter != 0 && (n.ExpiresAfter < LeastExpiry || n.ExpiresAfter > MostExpiry):
		return File{}, ErrExpiry
	}
	return s.keep(ctx, o, n, s.insert(ctx))
}

// Write keeps a file that was made for its owner, or that came in a call. then is run in the transaction that makes it one;
// without it nothing is kept. Codes: file_too_large, storage_quota_exceeded (neither for what was made), storage_unavailable.
func (s *Service) Write(ctx context.Context, o identity.Owner, n *New, then func(tx.Tx, *File) error) (File, error) {
	quota := s.Quota
	if n.Purpose.made() {
		quota = unlimited
	}
	return s.keep(ctx, o, n, func(f *File) error {
		return s.Store.InTx(ctx, func(t tx.Tx) error {
			if err := s.Store.FileInsert(ctx, t, f, quota); err != nil {
				return err
			}
			return then(t, f)
		})
	})
}

// unlimited is for what was paid for and must not be lost.
var unlimited = Quota{Files: 1 << 60, Bytes: 1 << 60}

func (s *Service) insert(ctx context.Context) func(*File) error {
	return func(f *File) error {
		return s.Store.InTx(ctx, func(t tx.Tx) error { return s.Store.FileInsert(ctx, t, f, s.Quota) })
	}
}

// keep stores the bytes and then what write writes; without the second the first goes.
func (s *Service) keep(ctx context.Context, o identity.Owner, n *New, write func(*File) error) (File, error) {
	if int64(len(n.Content)) > s.MaxBytes && !n.Purpose.made() {
		return File{}, ErrTooLarge
	}
	now := s.Now()
	f := File{
		ID: id.At(now), TenantID: o.TenantID, UserID: o.UserID, Name: cleanName(n.Name), Purpose: n.Purpose, MediaType: mediaType(n.Name, n.MediaType, n.Content),
		Size: int64(len(n.Content)), CreatedAt: now, ExpiresAt: now.Add(s.Retention),
	}
	if n.ExpiresAfter > 0 && n.ExpiresAfter < s.Retention {
		f.ExpiresAt = now.Add(n.ExpiresAfter)
	}
	var err error
	if f.BlobID, err = s.Contents.Keep(ctx, o, n.Content, f.ExpiresAt); err != nil {
		return File{}, err
	}
	if err := write(&f); err != nil {
		_ = s.Contents.Delete(context.WithoutCancel(ctx), f.BlobID) // nobody knows of it; its time ends, too
		return File{}, err
	}
	return f, nil
}

// cleanName keeps what is shown of a name: no folders, nothing that is not visible.
func cleanName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" || name == "." || name == "/" || name == ".." {
		return "file"
	}
	return name
}

// Get returns a file. Code: not_found.
func (s *Service) Get(ctx context.Context, o identity.Owner, file id.ID) (File, error) {
	f, err := s.Store.FileByID(ctx, o, file, s.Now())
	if err == nil && f.internal() {
		return File{}, fault.ErrNotFound
	}
	return f, err
}

// List returns files of an owner's, one more than asked for where there are more.
func (s *Service) List(ctx context.Context, o identity.Owner, q Query) ([]File, error) {
	q.Limit++
	return s.Store.FileList(ctx, o, q, s.Now())
}

// Open returns a file and its content for reading. Codes: not_found, storage_unavailable.
func (s *Service) Open(ctx context.Context, o identity.Owner, file id.ID) (File, io.ReadSeekCloser, error) {
	f, err := s.Get(ctx, o, file)
	if err != nil {
		return f, nil, err
	}
	r, err := s.Contents.Open(ctx, f.BlobID)
	return f, r, err
}

// OpenAny is Open for files that are internal, too.
func (s *Service) OpenAny(ctx context.Context, o identity.Owner, file id.ID) (File, io.ReadSeekCloser, error) {
	f, err := s.Store.FileByID(ctx, o, file, s.Now())
	if err != nil {
		return f, nil, err
	}
	r, err := s.Contents.Open(ctx, f.BlobID)
	return f, r, err
}

// Read returns a file's whole content. Codes: not_found, storage_unavailable.
func (s *Service) Read(ctx context.Context, o identity.Owner, file id.ID) ([]byte, error) {
	f, r, err := s.Open(ctx, o, file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := bytes.NewBuffer(make([]byte, 0, f.Size))
	_, err = io.Copy(out, r)
	return out.Bytes(), err
}

// Delete removes a file. Code: not_found.
func (s *Service) Delete(ctx context.Context, o identity.Owner, file id.ID) error {
	if _, err := s.Get(ctx, o, file); err != nil {
		return err
	}
	return s.DeleteAny(ctx, o, file)
}

// DeleteAny is Delete for files that are internal, too.
func (s *Service) DeleteAny(ctx context.Context, o identity.Owner, file id.ID) error {
	f, err := s.Store.FileDelete(ctx, o, file, s.Now())
	if err != nil {
		return err
	}
	if err := s.Contents.Delete(ctx, f.BlobID); err != nil && !errors.Is(err, fault.ErrNotFound) {
		return err
	}
	return nil
}

// Tidy forgets the files whose time is over, and tells how many.
func (s *Service) Tidy(ctx context.Context) (forgotten int, err error) {
	for {
		n, err := s.Store.FilesForget(ctx, s.Now(), forgetBatch)
		forgotten += n
		if err != nil || n < forgetBatch {
			return forgotten, err
		}
	}
}
