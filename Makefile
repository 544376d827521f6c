# The few commands a person types. What they do stands in scripts/.
# ARGS='...' is passed on: make run ARGS='--port 5001', make test ARGS='-p community'.
.DEFAULT_GOAL := help
ARGS ?=

help: ## List these commands
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-16s%s\n", $$1, $$2 }'

run: ## Build what changed and serve the demo on http://localhost:5000
	@scripts/run.sh $(ARGS)

test: ## Run every test, after installing what the tests need
	@scripts/test.sh all $(ARGS)

lint: ## Check formatting, clippy's warnings, licences and the shell scripts
	@scripts/lint.sh

web: ## Build the web app into web/dist, when its inputs changed
	@scripts/web.sh build

openapi: ## Write the API document and the page of who may call what
	@scripts/openapi.sh

bench: ## Measure this server and a Node peer side by side (LOADGEN=dir PEER=dir)
	@scripts/bench.sh $(ARGS)

nightly: ## Run every test, the long ones too, with many more cases
	@scripts/test.sh nightly $(ARGS)

chaos: ## Run the tests that kill processes, CHAOS_ROUNDS times (20)
	@scripts/test.sh chaos $(ARGS)

clean: ## Remove everything built or installed here; data/ stays
	@rm -rf target web/dist web/node_modules

.PHONY: help run test lint web openapi bench nightly chaos clean
