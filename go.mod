module github.com/gantry-ai/gantry

go 1.26.0

// Versions that modernc.org/sqlite and goose ask for but that the module proxy does not serve.
exclude (
	github.com/google/pprof v0.0.0-20261016150608-1facf8f91b50
	golang.org/x/exp v0.0.0-20261011100332-faecfb24eb49
)

require (
	github.com/golang-jwt/jwt/v5 v5.3.1
	golang.org/x/crypto v0.58.0
	golang.org/x/sync v0.24.0
)

require golang.org/x/sys v0.49.0 // indirect
	github.com/google/go-cmp v0.7.0
	pgregory.net/rapid v1.3.0
)

require github.com/tmaxmax/go-sse v0.11.0
