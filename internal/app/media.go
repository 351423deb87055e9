package app

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/blob"
	"github.com/gantry-ai/gantry/internal/provider/simulation"
	"github.com/gantry-ai/gantry/internal/relay"
)

// media keeps what calls make, in the words of the relay.
type media struct {
	library *blob.Library
	links   *blob.Links
	fetcher *blob.Fetcher
	disk    *blob.Disk // nil: files are in an object store
}

var _ relay.Media = (*media)(nil)

// Keep implements relay.Media.
func (m *media) Keep(ctx context.Context, f *relay.MediaFile) (string, error) {
	b, err := m.library.Keep(ctx, &blob.File{
		TenantID: f.TenantID, UserID: f.UserID, TaskID: f.TaskID, Content: f.Content, Simulated: f.Simulated,
	})
	if err != nil {
		return "", err
	}
	return m.links.URL(&b, f.Origin), nil
}

// Fetch implements relay.Media.
func (m *media) Fetch(ctx context.Context, address, upstream string) ([]byte, error) {
	return m.fetcher.Fetch(ctx, address, upstream)
}

// mediaFolder is where files lie in the data directory.
const mediaFolder = "media"

// openMedia opens where files are kept: the object store that is configured, or the data directory.
func (a *App) openMedia(master []byte) (err error) {
	c := a.cfg.Media
	m := &media{fetcher: blob.NewFetcher(c.MaxBytes)}
	if m.links, err = blob.NewLinks(master, a.now, c.LinkTTL, a.cfg.PublicURL); err != nil {
		return err
	}
	var objects blob.Objects
	if c.S3.Endpoint != "" {
		objects, err = blob.NewS3(&blob.S3Options{
			Endpoint: c.S3.Endpoint, Region: c.S3.Region, Bucket: c.S3.Bucket, Prefix: c.S3.Prefix, AccessKey: c.S3.AccessKey,
			SecretKey: c.S3.SecretKey, PathStyle: c.S3.PathStyle,
		})
	} else {
		m.disk, err = blob.NewDisk(a.data.file(mediaFolder))
		objects = m.disk
	}
	if err != nil {
		return err
	}
	m.library = &blob.Library{Objects: objects, Rows: a.store.Blobs(), Now: a.now, Retention: c.Retention, MaxBytes: c.MaxBytes}
	a.media = m
	return nil
}

func (a *App) closeMedia() {
	if a.media == nil {
		return
	}
	a.media.fetcher.CloseIdleConnections()
	if a.media.disk != nil {
		_ = a.media.disk.Close()
	}
}

// mountFiles serves files to whoever holds a link. Links have one path wherever surfaces are mounted.
func (a *App) mountFiles(r chi.Router, refuse func(http.ResponseWriter, *http.Request, error)) {
	files := &blob.Handler{Library: a.media.library, Links: a.media.links, Refuse: refuse}
	r.Method(http.MethodGet, blob.LinkPath+"{id}", files)
	r.Method(http.MethodHead, blob.LinkPath+"{id}", files)
}

// simulationMemory is how long the simulator remembers jobs.
const simulationMemory = 30 * 24 * time.Hour

// tidyMedia removes files whose time is over, and what the simulator need not remember.
func (a *App) tidyMedia(ctx context.Context) {
	removed, err := a.media.library.Tidy(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("files not tidied", "error", err)
	}
	if removed > 0 {
		a.log.Info("files tidied", "count", removed)
	}
	if _, err := a.store.Simulation().Forget(ctx, a.now().Add(-simulationMemory)); err != nil && ctx.Err() == nil {
		a.log.Warn("simulated jobs not forgotten", "error", err)
	}
}

// simulationAsset returns a file of the simulation's.
func simulationAsset(name string) (body []byte, contentType string, ok bool) {
	a, ok := simulation.StaticAsset(name)
	return a.Body, a.ContentType, ok
}
