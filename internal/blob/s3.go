package blob

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// S3Options say where a bucket is. All but Prefix and Transport are needed.
type S3Options struct {
	// Endpoint is the store's URL, such as https://s3.eu-central-1.amazonaws.com.
	Endpoint  string
	Region    string
	Bucket    string
	Prefix    string // what the names of all objects begin with
	AccessKey string
	SecretKey secret.String
	// PathStyle names the bucket in the path and not in the host, as most stores other than Amazon's want it.
	PathStyle bool
	Transport http.RoundTripper // nil: the library's own
}

// S3 keeps objects in a bucket of a store that speaks S3.
type S3 struct {
	client *minio.Client
	bucket string
	prefix string
}

// s3Retries is how often a request is tried: the caller of a call waits for it.
const s3Retries = 3

// NewS3 prepares a client; it calls nobody.
func NewS3(o *S3Options) (*S3, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("blob: %q is not the URL of an object store", o.Endpoint)
	}
	lookup := minio.BucketLookupDNS
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey.Reveal(), ""), Secure: u.Scheme == "https", Region: o.Region,
		BucketLookup: lookup, MaxRetries: s3Retries, Transport: o.Transport,
	})
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &S3{client, o.Bucket, o.Prefix}, nil
}

func (s *S3) name(key string) string { return path.Join(s.prefix, key) }

// Put implements Objects.
func (s *S3) Put(ctx context.Context, key string, content []byte, contentType string) error {
	_, err := s.client.PutObject(ctx, s.bucket, s.name(key), bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{ContentType: contentType, DisableMultipart: true})
	return err
}

// Open implements Objects. Parts are asked for as they are read.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	object, err := s.client.GetObject(ctx, s.bucket, s.name(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := object.Stat(); err != nil {
		_ = object.Close()
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
			return nil, fault.ErrNotFound
		}
		return nil, err
	}
	return object, nil
}

// Delete implements Objects.
func (s *S3) Delete(ctx context.Context, key string) error {
	return s.client.RemoveObject(ctx, s.bucket, s.name(key), minio.RemoveObjectOptions{})
}

var _ Objects = (*S3)(nil)
