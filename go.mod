module github.com/gantry-ai/gantry

go 1.26.0

// npm packages carry Go files that are not ours.
ignore ./web/node_modules

// Versions that modernc.org/sqlite and goose ask for but that the module proxy does not serve.
exclude (
	github.com/google/pprof v0.0.0-20261016150608-1facf8f91b50
	golang.org/x/exp v0.0.0-20261011100332-faecfb24eb49
)
