package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// Disk keeps objects in a folder of this machine. No key leads out of it.
type Disk struct{ root *os.Root }

// unfinished is the folder of files that are being written.
const unfinished = "unfinished"

// NewDisk opens the folder, which is made if it is missing, and removes what an earlier process did not finish.
func NewDisk(folder string) (*Disk, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	if err := errors.Join(root.RemoveAll(unfinished), root.MkdirAll(unfinished, 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("blob: %w", err), root.Close())
	}
	return &Disk{root}, nil
}

// Close gives the folder free.
func (d *Disk) Close() error { return d.root.Close() }

// Put writes a file beside, makes it durable, and puts it in its place.
func (d *Disk) Put(_ context.Context, key string, content []byte, _ string) error {
	beside := path.Join(unfinished, secret.Random(16))
	if err := d.write(beside, content); err != nil {
		return errors.Join(err, ignoreMissing(d.root.Remove(beside)))
	}
	if err := d.root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return err
	}
	if err := d.root.Rename(beside, key); err != nil {
		return errors.Join(err, ignoreMissing(d.root.Remove(beside)))
	}
	return d.syncFolder(path.Dir(key))
}

func (d *Disk) write(name string, content []byte) error {
	f, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder makes the names in a folder durable.
func (d *Disk) syncFolder(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open implements Objects.
func (d *Disk) Open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	f, err := d.root.Open(key)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.ErrNotFound
	}
	if err != nil {
		return nil, err // not f: a nil file in an interface is not nil
	}
	return f, nil
}

// Delete implements Objects.
func (d *Disk) Delete(_ context.Context, key string) error { return ignoreMissing(d.root.Remove(key)) }

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

var _ Objects = (*Disk)(nil)
