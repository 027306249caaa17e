// Made by `npm run types`; do not edit.
// SHA-256 of openapi.json: 021c028c288f31f9bab774cd43e9b284471d566f72342ca205fcee349926adb9

export interface paths {
    "/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document. */
        get: operations["GetDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sign-in/nonce": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A nonce, and the message of EIP-4361 to sign. */
        post: operations["MakeNonce"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sign-in": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign in with a signed message: the answer sets the cookie. */
        post: operations["SignIn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is signed in. */
        get: operations["GetSession"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sign-out": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End the session, at every gateway. */
        post: operations["SignOut"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What this network is: the address of its key, its proof systems and its limits. */
        get: operations["GetNetwork"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is connected, and how much there is to do. */
        get: operations["GetStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operators": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How operators and their provers stand, and why. */
        get: operations["ListOperators"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Which keys speak for the network, as its root key says. */
        get: operations["GetKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/engines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The engines of proof systems, and which are stopped. */
        get: operations["ListEngines"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/recipients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Whom inputs of a program can be sealed for. */
        post: operations["ListRecipients"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subnetworks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The subnetworks that you may use. */
        get: operations["ListSubnetworks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sizes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What jobs are said to need, and what verified ones took. */
        get: operations["ListSizes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Upload a file: the body, as it is. */
        post: operations["Upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/artifacts/{digest}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A file that you may read. */
        get: operations["Download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/programs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your programs, and those that are shared with you. */
        get: operations["ListPrograms"];
        put?: never;
        /** Make a program of uploaded files. With `Accept: text/event-stream` its progress is told. */
        post: operations["RegisterProgram"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/programs/{digest}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One program. */
        get: operations["GetProgram"];
        put?: never;
        post?: never;
        /** Own it no more. */
        delete: operations["DeleteProgram"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/programs/{digest}/share": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let others have it proven. */
        post: operations["ShareProgram"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/programs/{digest}/unshare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take that back. */
        post: operations["UnshareProgram"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your tasks, newest first, by state, program, tag or time. */
        get: operations["ListTasks"];
        put?: never;
        /** Submit a request for a proof. */
        post: operations["Submit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End all open tasks that a filter finds, so many at most; with `dry_run` only count them. */
        post: operations["CancelTasks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make new tasks of those that failed or were cancelled, with the same inputs. */
        post: operations["ReplayTasks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A task, its jobs, and why those wait that nobody proves. */
        get: operations["GetTask"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End a task, if it has not ended yet. */
        post: operations["CancelTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every event of a task as it happens, until it has ended: server-sent events. */
        get: operations["WatchTask"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/delivery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** To which contracts of a chain the network brings proofs, and for how much. */
        get: operations["GetDeliveryTerms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/delivery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What became of that: the receipt. */
        get: operations["GetProofDelivery"];
        put?: never;
        /** Have a contract verify its proof as soon as it is there. */
        post: operations["DeliverProof"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where the bundle of a finished task is. */
        get: operations["FetchResult"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/bundle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The bundle itself, or a range of it. */
        get: operations["GetBundle"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/bundle/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One file of the bundle: `manifest.json`, `signature.json`, or `files/DIGEST`, such as a single proof. */
        get: operations["GetBundleFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quotes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your firm quotes, newest first. */
        get: operations["ListQuotes"];
        put?: never;
        /** What a request would cost and take; nothing is stored. */
        post: operations["GetQuote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quotes/firm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Buy a promise of cost and time. */
        post: operations["BuyQuote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/account": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What an address owns and has earned. */
        get: operations["GetAccount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/account/low-balance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have your webhooks told when the balance falls below an amount. */
        post: operations["SetLowBalance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/quota": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every limit of yours, and how much of it is used. */
        get: operations["GetQuota"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/statement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every movement of money: JSON, or `Accept: text/csv`. */
        get: operations["GetStatement"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stake": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An operator's bond. */
        get: operations["GetStake"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stake/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What was unbonded long enough ago, to your earnings. */
        post: operations["WithdrawStake"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/evidence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was taken of your bond, newest first. */
        get: operations["ListEvidence"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/evidence/{evidence_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of them, with what verifies it. */
        get: operations["GetEvidence"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/evidence/{evidence_id}/appeal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say why a slash was wrong. */
        post: operations["Appeal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/vault": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The vault on a chain, and what of yours waits for it. */
        get: operations["GetVault"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/vault/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What an account claims by, on the chain. */
        get: operations["GetVaultProof"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/vault/payouts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Be paid out. */
        post: operations["RequestPayout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/vault/batches/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The public file of a batch; -1: the newest that is in force. */
        get: operations["GetVaultBatch"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stake/deposit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Into your bond. */
        post: operations["DepositStake"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stake/unbond": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begin to take a part out. */
        post: operations["Unbond"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rounds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rounds of a lane, newest first. */
        get: operations["ListRounds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rounds/record": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rounds as the lines of a file that `proofgrid market replay` reads, the last one signed. */
        get: operations["ExportRounds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rounds/open-order": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What proves that an order of a round was yours. */
        post: operations["OpenOrder"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/head": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The signed checkpoint of the audit log. */
        get: operations["GetAuditHead"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/consistency": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** That an older log is the beginning of it. */
        get: operations["GetAuditConsistency"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/tile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Hashes of the log. */
        get: operations["GetAuditTile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/entries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Entries, newest first. For administrators. */
        get: operations["ListAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/entries/{position}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An entry with its proof. For administrators. */
        get: operations["GetAuditEntry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/entry-tile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Entries of a tile. For administrators. */
        get: operations["GetAuditEntryTile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your API keys, newest first. */
        get: operations["ListApiKeys"];
        put?: never;
        /** Make an API key; the answer shows its secret, once. */
        post: operations["MakeApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End one at once, with what it has open. */
        delete: operations["RevokeApiKey"];
        options?: never;
        head?: never;
        /** Say anew what one may spend a day. */
        patch: operations["SetApiKey"];
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your webhooks, newest first. */
        get: operations["ListWebhooks"];
        put?: never;
        /** Be told of your tasks; the answer shows the secret, once. */
        post: operations["MakeWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{endpoint_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was sent, and the answers. */
        get: operations["ListDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{endpoint_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send again, and enable it. */
        post: operations["ReplayWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{endpoint_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a test now; what came back. */
        post: operations["TestWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{endpoint_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Send nothing more there. */
        delete: operations["RemoveWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every key that has an access role. */
        get: operations["ListIdentities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/identities/grant": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a key an access role. */
        post: operations["Grant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/identities/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take one. */
        post: operations["Revoke"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the ledger adds up. */
        get: operations["CheckLedger"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tasks that nobody could prove. */
        get: operations["ListDeadLetters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/dead-letters/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of them, with every try. */
        get: operations["GetDeadLetter"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/dead-letters/{task_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a new task of it. */
        post: operations["ReplayDeadLetter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was noticed, newest first. */
        get: operations["ListIncidents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/incidents/{incident_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of them. */
        get: operations["GetIncident"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/incidents/{incident_id}/post-mortem": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened when, and a draft in Markdown. */
        get: operations["GetPostMortem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/incidents/{incident_id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** It was looked at. */
        post: operations["CloseIncident"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/canaries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The network's own jobs. */
        get: operations["ListCanaries"];
        put?: never;
        /** Send an input of a program as a canary. */
        post: operations["AddCanary"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/engines/{engine}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Nothing more is done by an engine. */
        post: operations["StopEngine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/engines/{engine}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** It is, again. */
        post: operations["ResumeEngine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/engines/{engine}/accepted": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Proofs by it that were paid for. */
        get: operations["ListAccepted"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/evidence/{evidence_id}/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A slash stands, or not. */
        post: operations["ResolveAppeal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/subnetworks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a subnetwork. */
        post: operations["CreateSubnetwork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/subnetworks/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One, with its members. */
        get: operations["GetSubnetwork"];
        put?: never;
        post?: never;
        /** Remove it. */
        delete: operations["RemoveSubnetwork"];
        options?: never;
        head?: never;
        /** Change it. */
        patch: operations["SetSubnetwork"];
        trace?: never;
    };
    "/v1/admin/subnetworks/{subnetwork}/allow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a key in. */
        post: operations["AllowMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/subnetworks/{subnetwork}/deny": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep it out. */
        post: operations["DenyMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/deposits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Money from outside. */
        post: operations["Deposit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/treasury/fund": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Put in. */
        post: operations["FundTreasury"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/treasury/take": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take out. */
        post: operations["TakeOut"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AcceptedProof: {
            task_id: string;
            client: string;
            program_digest: string;
            task_state: string;
            bundle_digest: string;
            slice: number;
            input: number;
            proof_digest: string;
            prover_id: string;
            operator: string;
            paid: number;
            accepted_ms: number;
            fence: number;
        };
        Account: {
            address: string;
            balance: number;
            escrowed: number;
            earned: number;
            transfers: components["schemas"]["Transfer"][];
            low_balance: number;
            is_low: boolean;
        };
        ActedOnTask: {
            task_id: string;
            outcome: string;
            replayed_as: string;
            code: string;
            detail: string;
        };
        ActedOnTasks: {
            matching: number;
            tasks: components["schemas"]["ActedOnTask"][];
        };
        ApiKey: {
            key_id: string;
            owner: string;
            maker_id: string;
            label: string;
            scopes: string[];
            subnetwork: string;
            spend_per_day: number;
            spent_today: number;
            created_ms: number;
            expires_ms: number;
            revoked: boolean;
            used_ms: number;
            addresses: string[];
        };
        ArtifactRef: {
            digest: string;
            size_bytes: number;
        };
        AuditConsistency: {
            proof: string[];
            head: components["schemas"]["AuditHead"] | null;
        };
        AuditEntry: {
            position: number;
            spelled: string;
        };
        AuditHead: {
            note: string;
            verifier: string;
            statement: string;
            keys: string;
        };
        AuditTile: {
            content: string;
        };
        Canary: {
            canary_id: string;
            program_digest: string;
            first_task: string;
            state: string;
            sent: number;
            added_ms: number;
        };
        ChainDebt: {
            evidence_id: string;
            amount: number;
            state: string;
            taken: number;
            number: number;
            executable_at: number;
        };
        Constraints: {
            allowed_operators?: string[];
            denied_operators?: string[];
            min_stake?: number;
            regions?: string[];
            confinement?: string;
        };
        DeadLetter: {
            task_id: string;
            client: string;
            program_digest: string;
            code: string;
            detail: string;
            failed_ms: number;
            replay_of: string;
            replayed_as: string;
            tries: components["schemas"]["DeadLetterTry"][];
        };
        DeadLetterTry: {
            slice: number;
            input: number;
            prover: string;
            operator: string;
            reason: string;
            detail: string;
            ended_ms: number;
        };
        DeleteProgramResponse: {
            was_yours: boolean;
            has_other_owners: boolean;
            released_bytes: number;
            kept_bytes: number;
        };
        Delivery: {
            task_id: string;
            cursor: number;
            kind: string;
            state: string;
            attempts: number;
            due_ms: number;
            status: number;
            answer: string;
            at_ms: number;
        };
        DeliveryTerms: {
            chain_id: number;
            submitter: string;
            contracts: string[];
            price: number;
            gas_most: number;
        };
        Engine: {
            engine: string;
            is_here: boolean;
            provers: number;
            provers_draining: number;
            slots: number;
            slots_busy: number;
            programs: number;
            tasks_open: number;
            jobs_open: number;
            stopped_reason: string;
            stopped_ms: number;
            stopped_by: string;
            stops: components["schemas"]["EngineStop"][];
        };
        EngineStop: {
            reason: string;
            stopped_by: string;
            stopped_ms: number;
            resumed_by: string;
            resumed_ms: number;
        };
        Evidence: {
            evidence_id: string;
            kind: string;
            operator: string;
            prover: string;
            lease_id: string;
            task_id: string;
            job_id: string;
            program_digest: string;
            slice: number;
            detail: string;
            amount: number;
            burnt: number;
            to_client: number;
            to_rescuer: number;
            at_ms: number;
            state: string;
            appeal: string;
            answer: string;
            given_back: number;
            can_be_verified: boolean;
        };
        FactCounts: {
            proven_milli: number;
            late_milli: number;
            lost_milli: number;
            crashed_milli: number;
            invalid_milli: number;
            success_share_permille: number;
        };
        FirmQuote: {
            quote_id: string;
            state: string;
            program_digest: string;
            inputs: number;
            terms: components["schemas"]["FirmTerms"] | null;
            created_ms: number;
            held_until_ms: number;
            ended_ms: number;
            task_id: string;
        };
        FirmTerms: {
            units: number;
            cost: number;
            premium: number;
            penalty: number;
            hold_ms: number;
            within_ms: number;
        };
        Identity: {
            address: string;
            roles: string[];
            label: string;
        };
        Incident: {
            incident_id: number;
            kind: string;
            subject: string;
            detail: string;
            opened_ms: number;
            closed_ms: number;
            closed_by: string;
            stops_settlement: boolean;
            acted_ms: number;
            acted: string;
            until_ms: number;
            ends: string;
            severity: string;
            runbook: string;
        };
        IncidentStep: {
            at_ms: number;
            what: string;
            by: string;
            said: string;
        };
        Job: {
            job_id: string;
            slice: number;
            input: number;
            state: string;
            units: number;
            class: string;
            attempts: number;
            operator: string;
            prover: string;
            price: number;
            stage: string;
            permille: number;
            waiting: components["schemas"]["Waiting"] | null;
        };
        KeySpend: {
            key_id: string;
            spent_today: number;
            spend_per_day: number;
            resets_ms: number;
        };
        Ladder: {
            permille?: number;
            every_ms?: number;
            price_max?: number;
        };
        LaneQuote: {
            lane: string;
            jobs: number;
            units: number;
            memory_bytes_max: number;
            price_now: number;
            prices: {
                [key: string]: number;
            };
            provers: number;
            free_slots: number;
            wait_ms: number;
            prove_ms: number;
        };
        LaneStatus: {
            lane: string;
            rounds: number;
            reference_price: number;
            ready_units: number;
        };
        LedgerCheck: {
            balanced: boolean;
            sum: number;
            minted: number;
            held: number;
            faults: string[];
        };
        ListAcceptedResponse: {
            proofs: components["schemas"]["AcceptedProof"][];
        };
        ListApiKeysResponse: {
            keys: components["schemas"]["ApiKey"][];
            next_cursor: string;
        };
        ListAuditEntriesResponse: {
            entries: components["schemas"]["AuditEntry"][];
            next_cursor: string;
        };
        ListCanariesResponse: {
            canaries: components["schemas"]["Canary"][];
            treasury: number;
        };
        ListDeadLettersResponse: {
            letters: components["schemas"]["DeadLetter"][];
            next_cursor: string;
        };
        ListDeliveriesResponse: {
            deliveries: components["schemas"]["Delivery"][];
            next_cursor: string;
        };
        ListEnginesResponse: {
            engines: components["schemas"]["Engine"][];
        };
        ListEvidenceResponse: {
            evidence: components["schemas"]["Evidence"][];
            next_cursor: string;
        };
        ListIdentitiesResponse: {
            identities: components["schemas"]["Identity"][];
        };
        ListIncidentsResponse: {
            incidents: components["schemas"]["Incident"][];
        };
        ListOperatorsResponse: {
            operators: components["schemas"]["OperatorStanding"][];
            half_life_days: number;
            next_cursor: string;
        };
        ListProgramsResponse: {
            programs: components["schemas"]["Program"][];
            next_cursor: string;
        };
        ListQuotesResponse: {
            quotes: components["schemas"]["FirmQuote"][];
            next_cursor: string;
        };
        ListRecipientsResponse: {
            recipients: components["schemas"]["Recipient"][];
        };
        ListRoundsResponse: {
            rounds: components["schemas"]["Round"][];
            next_cursor: string;
        };
        ListSizesResponse: {
            sizes: components["schemas"]["Size"][];
        };
        ListSubnetworksResponse: {
            subnetworks: components["schemas"]["Subnetwork"][];
        };
        ListTasksResponse: {
            tasks: components["schemas"]["Task"][];
            next_cursor: string;
        };
        ListWebhooksResponse: {
            webhooks: components["schemas"]["Webhook"][];
            next_cursor: string;
        };
        MeasuredSpeed: {
            proof_system: string;
            class: string;
            units_per_second_milli: number;
            samples: number;
            confidence_permille: number;
        };
        Member: {
            address: string;
            role: string;
            since_ms: number;
        };
        Network: {
            address: string;
            version: string;
            proof_systems: components["schemas"]["ProofSystem"][];
            srs_files: {
                [key: string]: string;
            };
            srs_for_development: boolean;
            upload_bytes_max: number;
            operator_limits: components["schemas"]["OperatorLimits"] | null;
        };
        NetworkKeys: {
            network: string;
            keys: string;
            held: string[];
        };
        NetworkStatus: {
            provers: components["schemas"]["ProverStatus"][];
            tasks_by_state: {
                [key: string]: number;
            };
            jobs_by_state: {
                [key: string]: number;
            };
            lanes: components["schemas"]["LaneStatus"][];
        };
        NewApiKey: {
            key: components["schemas"]["ApiKey"] | null;
            secret: string;
        };
        NewWebhook: {
            webhook: components["schemas"]["Webhook"] | null;
            secret: string;
        };
        OperatorLimits: {
            provers: number;
            slots: number;
            newcomer_slots: number;
        };
        OperatorStanding: {
            operator: string;
            counts: components["schemas"]["FactCounts"] | null;
            bucket: number;
            reasons: string[];
            provers: components["schemas"]["ProverStanding"][];
        };
        OrderOpening: {
            lane: string;
            number: number;
            what: string;
            nonce: string;
            order_id: string;
        };
        Pace: {
            per_second: number;
            burst: number;
            left: number;
        };
        PostMortem: {
            incident_id: number;
            draft: string;
            steps: components["schemas"]["IncidentStep"][];
        };
        /** @description RFC 9457; `code` is the stable name of the error, `field` what is wrong, `hint` what to do. */
        Problem: {
            type: string;
            title: string;
            detail: string;
            code: string;
            field: string;
            hint: string;
            status: number;
            /** @description Try again after so long. */
            wait_ms?: number;
        };
        Program: {
            digest: string;
            proof_system: string;
            label: string;
            manifest: unknown;
            slices: number;
            units: number;
            created_ms: number;
            visibility: string;
            is_yours: boolean;
            shared_with: string[];
            stored_bytes: number;
        };
        ProofDelivery: {
            task_id: string;
            contract: string;
            state: string;
            price: number;
            detail: string;
            transaction: string;
            block: number;
            gas: number;
        };
        ProofSystem: {
            name: string;
            engine: string;
            program_format: string;
        };
        ProofSystemNames: {
            names?: string[];
        };
        ProverStanding: {
            prover_id: string;
            counts: components["schemas"]["FactCounts"] | null;
            bucket: number;
            reasons: string[];
            breaker: string;
            paused_until_ms: number;
            last_faults: string[];
            speeds: components["schemas"]["MeasuredSpeed"][];
            connected: boolean;
            jobs_proven: number;
            jobs_failed: number;
        };
        ProverStatus: {
            prover_id: string;
            operator: string;
            region: string;
            proof_systems: string[];
            slots: number;
            busy: number;
            ask_price: number;
            seen_ms: number;
            jobs_proven: number;
            jobs_failed: number;
            state: string;
            confinement: string;
        };
        Quota: {
            stored_bytes: components["schemas"]["Use"] | null;
            programs: components["schemas"]["Use"] | null;
            open_tasks: components["schemas"]["Use"] | null;
            builds: components["schemas"]["Use"] | null;
            calls: components["schemas"]["Use"] | null;
            api_keys: components["schemas"]["Use"] | null;
            webhooks: components["schemas"]["Use"] | null;
            requests: components["schemas"]["Pace"] | null;
            sent_bytes: components["schemas"]["Pace"] | null;
            key_spend: components["schemas"]["KeySpend"] | null;
        };
        Quote: {
            lanes: components["schemas"]["LaneQuote"][];
            units: number;
            price_now: number;
            cost_now: number;
            prices: {
                [key: string]: number;
            };
            expected_ms: number;
            firm: components["schemas"]["FirmTerms"] | null;
        };
        QuoteRequest: {
            program_digest?: string;
            inputs?: unknown;
            hold_ms?: number;
            constraints?: components["schemas"]["Constraints"] | null;
            subnetwork?: string;
            aggregate?: boolean;
        };
        Recipient: {
            prover: string;
            key: string;
            until_ms: number;
            signature: string;
        };
        RemoveSubnetworkResponse: Record<string, never>;
        RemoveWebhookResponse: Record<string, never>;
        ReplayWebhookResponse: {
            deliveries: number;
        };
        Result: {
            task_id: string;
            bundle: components["schemas"]["ArtifactRef"] | null;
        };
        Round: {
            lane: string;
            number: number;
            buy_price: number;
            sell_price: number;
            units: number;
            bids: number;
            asks: number;
            transcript_hash: string;
            signature: string;
            transcript_json: string;
            at_ms: number;
            next_reference: number;
        };
        Seal: {
            prover?: string;
            key_id?: string;
            sealed?: string;
        };
        Sealed: {
            inputs?: number;
            statement?: unknown;
            jobs?: components["schemas"]["SealedJob"][];
            seals?: components["schemas"]["Seal"][];
            commitment?: string;
            until_ms?: number;
        };
        SealedEvidence: {
            evidence: components["schemas"]["Evidence"] | null;
            record_json: string;
            signature: string;
            proof: string;
            keys: string;
        };
        SealedJob: {
            locked?: string;
            facts?: unknown;
        };
        ShownAuditEntry: {
            entry: components["schemas"]["AuditEntry"] | null;
            proof: string[];
            head: components["schemas"]["AuditHead"] | null;
        };
        Size: {
            proof_system: string;
            engine: string;
            scope: string;
            number: number;
            units_permille: number;
            memory_permille: number;
            measured_permille: number;
            measured_memory_permille: number;
            operators: number;
            proofs: number;
            made_ms: number;
        };
        Stake: {
            operator: string;
            bond: number;
            bound: number;
            removable: number;
            unbonding: number;
            ready: number;
            unbondings: components["schemas"]["Unbonding"][];
            earned: number;
            stake_permille: number;
            overcommit: number;
            staked: number;
            debts: components["schemas"]["ChainDebt"][];
        };
        Subnetwork: {
            name: string;
            open: boolean;
            proof_systems: string[];
            reference_price: number;
            overflow_after_ms: number;
            created_ms: number;
            provers: number;
            slots: number;
            dedicated_slots: number;
            busy: number;
            ready_units: number;
            tasks_open: number;
            members: components["schemas"]["Member"][];
        };
        Task: {
            task_id: string;
            state: string;
            program_digest: string;
            limit_price: number;
            escrow: number;
            spent: number;
            units: number;
            deadline_ms: number;
            created_ms: number;
            finished_ms: number;
            failure_code: string;
            failure_detail: string;
            bundle_digest: string;
            jobs: components["schemas"]["Job"][];
            inputs: number;
            quote_id: string;
            tags: string[];
            replay_of: string;
        };
        TaskFilter: {
            state?: string;
            program_digest?: string;
            tag?: string;
            since_ms?: number;
            until_ms?: number;
        };
        TestWebhookResponse: {
            message_id: string;
            delivered: boolean;
            status: number;
            answer: string;
            took_ms: number;
        };
        Transfer: {
            transfer_id: string;
            debit: string;
            credit: string;
            amount: number;
            reason: string;
            task_id: string;
            job_id: string;
            at_ms: number;
        };
        Treasury: {
            balance: number;
        };
        TreasuryFunds: {
            balance: number;
        };
        Unbonding: {
            unbonding_id: string;
            amount: number;
            ready_ms: number;
        };
        Use: {
            used: number;
            limit: number;
        };
        Vault: {
            chain_id: number;
            vault: string;
            token: string;
            unit: number;
            delay_blocks: number;
            silence_blocks: number;
            final: number;
            is_frozen: boolean;
            payable: number;
            claimed: number;
            last_batch: number;
        };
        VaultBatch: {
            number: number;
            file: string;
        };
        VaultProof: {
            account: string;
            number: number;
            cumulative: string;
            proof: string[];
            root: string;
        };
        Waiting: {
            reason: string;
            price: number;
            price_max: number;
            unmet: string[];
            after_ms: number;
            jobs: number;
        };
        Webhook: {
            endpoint_id: string;
            url: string;
            kinds: string[];
            public_key: string;
            created_ms: number;
            disabled_ms: number;
            disabled_why: string;
            waiting: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    GetDocument: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
        };
    };
    MakeNonce: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    address?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        nonce: string;
                        domain: string;
                        uri: string;
                        message: string;
                    };
                };
            };
        };
    };
    SignIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    message?: string;
                    signature?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        address: string;
                        roles: string[];
                        /** @description X-CSRF-Token of requests that change something. */
                        csrf: string;
                        expires_ms: number;
                    };
                };
            };
        };
    };
    GetSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        address: string;
                        roles: string[];
                        /** @description X-CSRF-Token of requests that change something. */
                        csrf: string;
                        expires_ms: number;
                    };
                };
            };
        };
    };
    SignOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed out. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    GetNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Network"];
                };
            };
        };
    };
    GetStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetworkStatus"];
                };
            };
        };
    };
    ListOperators: {
        parameters: {
            query?: {
                address?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListOperatorsResponse"];
                };
            };
        };
    };
    GetKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetworkKeys"];
                };
            };
        };
    };
    ListEngines: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListEnginesResponse"];
                };
            };
        };
    };
    ListRecipients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    program_digest?: string;
                    constraints?: components["schemas"]["Constraints"] | null;
                    subnetwork?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListRecipientsResponse"];
                };
            };
        };
    };
    ListSubnetworks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListSubnetworksResponse"];
                };
            };
        };
    };
    ListSizes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListSizesResponse"];
                };
            };
        };
    };
    Upload: {
        parameters: {
            query?: {
                digest?: string;
                lease_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactRef"];
                };
            };
        };
    };
    Download: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
        };
    };
    ListPrograms: {
        parameters: {
            query?: {
                limit?: number;
                begins?: string;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListProgramsResponse"];
                };
            };
        };
    };
    RegisterProgram: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    proof_system?: string;
                    source?: {
                        [key: string]: string;
                    };
                    settings?: unknown;
                    label?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Program"];
                    "text/event-stream": unknown;
                };
            };
        };
    };
    GetProgram: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Program"];
                };
            };
        };
    };
    DeleteProgram: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeleteProgramResponse"];
                };
            };
        };
    };
    ShareProgram: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                digest: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    audiences?: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Program"];
                };
            };
        };
    };
    UnshareProgram: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                digest: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    audiences?: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Program"];
                };
            };
        };
    };
    ListTasks: {
        parameters: {
            query?: {
                limit?: number;
                state?: string;
                begins?: string;
                program_digest?: string;
                tag?: string;
                since_ms?: number;
                until_ms?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListTasksResponse"];
                };
            };
        };
    };
    Submit: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `idempotency_key` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    program_digest?: string;
                    inputs?: unknown;
                    limit_price?: number;
                    budget?: number;
                    deadline_ms?: number;
                    idempotency_key?: string;
                    allow_cached?: boolean;
                    hedging?: boolean;
                    constraints?: components["schemas"]["Constraints"] | null;
                    ladder?: components["schemas"]["Ladder"] | null;
                    subnetwork?: string;
                    quote_id?: string;
                    aggregate?: boolean;
                    sealed?: components["schemas"]["Sealed"] | null;
                    tags?: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
        };
    };
    CancelTasks: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `idempotency_key` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    filter?: components["schemas"]["TaskFilter"] | null;
                    dry_run?: boolean;
                    limit?: number;
                    idempotency_key?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActedOnTasks"];
                };
            };
        };
    };
    ReplayTasks: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `idempotency_key` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    filter?: components["schemas"]["TaskFilter"] | null;
                    dry_run?: boolean;
                    limit?: number;
                    idempotency_key?: string;
                    limit_price?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActedOnTasks"];
                };
            };
        };
    };
    GetTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
        };
    };
    CancelTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
        };
    };
    WatchTask: {
        parameters: {
            query?: {
                cursor?: number;
            };
            header?: {
                /** @description The last event that was seen. */
                "Last-Event-ID"?: string;
            };
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description The task has ended, and nothing follows the event that was seen. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    GetDeliveryTerms: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryTerms"];
                };
            };
        };
    };
    GetProofDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProofDelivery"];
                };
            };
        };
    };
    DeliverProof: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    deliver?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProofDelivery"];
                };
            };
        };
    };
    FetchResult: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Result"];
                };
            };
        };
    };
    GetBundle: {
        parameters: {
            query?: never;
            header?: {
                /** @description One range of bytes. */
                Range?: string;
            };
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
            /** @description Done. */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": unknown;
                };
            };
        };
    };
    GetBundleFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "application/octet-stream": unknown;
                };
            };
        };
    };
    ListQuotes: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListQuotesResponse"];
                };
            };
        };
    };
    GetQuote: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    program_digest?: string;
                    inputs?: unknown;
                    hold_ms?: number;
                    constraints?: components["schemas"]["Constraints"] | null;
                    subnetwork?: string;
                    aggregate?: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quote"];
                };
            };
        };
    };
    BuyQuote: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `idempotency_key` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    request?: components["schemas"]["QuoteRequest"] | null;
                    cost_max?: number;
                    idempotency_key?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FirmQuote"];
                };
            };
        };
    };
    GetAccount: {
        parameters: {
            query?: {
                address?: string;
                transfers_limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
        };
    };
    SetLowBalance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    amount?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
        };
    };
    GetQuota: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quota"];
                };
            };
        };
    };
    GetStatement: {
        parameters: {
            query?: {
                owner?: string;
                from_ms?: number;
                to_ms?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "text/csv": unknown;
                };
            };
        };
    };
    GetStake: {
        parameters: {
            query?: {
                operator?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stake"];
                };
            };
        };
    };
    WithdrawStake: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stake"];
                };
            };
        };
    };
    ListEvidence: {
        parameters: {
            query?: {
                operator?: string;
                state?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListEvidenceResponse"];
                };
            };
        };
    };
    GetEvidence: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                evidence_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SealedEvidence"];
                };
            };
        };
    };
    Appeal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                evidence_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    text?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Evidence"];
                };
            };
        };
    };
    GetVault: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vault"];
                };
            };
        };
    };
    GetVaultProof: {
        parameters: {
            query?: {
                account?: string;
                number?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VaultProof"];
                };
            };
        };
    };
    RequestPayout: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `payout_id` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    amount?: number;
                    payout_id?: string;
                    to?: string;
                    earned?: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vault"];
                };
            };
        };
    };
    GetVaultBatch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VaultBatch"];
                };
            };
        };
    };
    DepositStake: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `deposit_id` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    operator?: string;
                    amount?: number;
                    deposit_id?: string;
                    from_outside?: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stake"];
                };
            };
        };
    };
    Unbond: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `unbonding_id` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    amount?: number;
                    unbonding_id?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stake"];
                };
            };
        };
    };
    ListRounds: {
        parameters: {
            query?: {
                lane?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListRoundsResponse"];
                };
            };
        };
    };
    ExportRounds: {
        parameters: {
            query?: {
                lane?: string;
                first?: number;
                last?: number;
                since_ms?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": unknown;
                };
            };
        };
    };
    OpenOrder: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    lane?: string;
                    number?: number;
                    what?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderOpening"];
                };
            };
        };
    };
    GetAuditHead: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditHead"];
                };
            };
        };
    };
    GetAuditConsistency: {
        parameters: {
            query?: {
                old_size?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditConsistency"];
                };
            };
        };
    };
    GetAuditTile: {
        parameters: {
            query?: {
                path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditTile"];
                };
            };
        };
    };
    ListAuditEntries: {
        parameters: {
            query?: {
                limit?: number;
                before?: number;
                by?: string;
                act?: string;
                since_ms?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListAuditEntriesResponse"];
                };
            };
        };
    };
    GetAuditEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                position: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShownAuditEntry"];
                };
            };
        };
    };
    GetAuditEntryTile: {
        parameters: {
            query?: {
                path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditTile"];
                };
            };
        };
    };
    ListApiKeys: {
        parameters: {
            query?: {
                owner?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListApiKeysResponse"];
                };
            };
        };
    };
    MakeApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    label?: string;
                    scopes?: string[];
                    subnetwork?: string;
                    spend_per_day?: number;
                    expires_ms?: number;
                    addresses?: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
        };
    };
    RevokeApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    SetApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    spend_per_day?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    ListWebhooks: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListWebhooksResponse"];
                };
            };
        };
    };
    MakeWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    url?: string;
                    kinds?: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewWebhook"];
                };
            };
        };
    };
    ListDeliveries: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListDeliveriesResponse"];
                };
            };
        };
    };
    ReplayWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    since_ms?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReplayWebhookResponse"];
                };
            };
        };
    };
    TestWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestWebhookResponse"];
                };
            };
        };
    };
    RemoveWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemoveWebhookResponse"];
                };
            };
        };
    };
    ListIdentities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListIdentitiesResponse"];
                };
            };
        };
    };
    Grant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    address?: string;
                    role?: string;
                    label?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Identity"];
                };
            };
        };
    };
    Revoke: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    address?: string;
                    role?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Identity"];
                };
            };
        };
    };
    CheckLedger: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerCheck"];
                };
            };
        };
    };
    ListDeadLetters: {
        parameters: {
            query?: {
                limit?: number;
                replayed?: boolean;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListDeadLettersResponse"];
                };
            };
        };
    };
    GetDeadLetter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
        };
    };
    ReplayDeadLetter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
        };
    };
    ListIncidents: {
        parameters: {
            query?: {
                limit?: number;
                closed?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListIncidentsResponse"];
                };
            };
        };
    };
    GetIncident: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                incident_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Incident"];
                };
            };
        };
    };
    GetPostMortem: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                incident_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PostMortem"];
                };
            };
        };
    };
    CloseIncident: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                incident_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    why?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Incident"];
                };
            };
        };
    };
    ListCanaries: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListCanariesResponse"];
                };
            };
        };
    };
    AddCanary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    program_digest?: string;
                    inputs?: unknown;
                    limit_price?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Canary"];
                };
            };
        };
    };
    StopEngine: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                engine: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    ResumeEngine: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                engine: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Engine"];
                };
            };
        };
    };
    ListAccepted: {
        parameters: {
            query?: {
                limit?: number;
                below?: number;
            };
            header?: never;
            path: {
                engine: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListAcceptedResponse"];
                };
            };
        };
    };
    ResolveAppeal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                evidence_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    overturn?: boolean;
                    answer?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Evidence"];
                };
            };
        };
    };
    CreateSubnetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name?: string;
                    open?: boolean | null;
                    proof_systems?: components["schemas"]["ProofSystemNames"] | null;
                    reference_price?: number | null;
                    overflow_after_ms?: number | null;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subnetwork"];
                };
            };
        };
    };
    GetSubnetwork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subnetwork"];
                };
            };
        };
    };
    RemoveSubnetwork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemoveSubnetworkResponse"];
                };
            };
        };
    };
    SetSubnetwork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    open?: boolean | null;
                    proof_systems?: components["schemas"]["ProofSystemNames"] | null;
                    reference_price?: number | null;
                    overflow_after_ms?: number | null;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subnetwork"];
                };
            };
        };
    };
    AllowMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                subnetwork: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    address?: string;
                    role?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subnetwork"];
                };
            };
        };
    };
    DenyMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                subnetwork: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    address?: string;
                    role?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Subnetwork"];
                };
            };
        };
    };
    Deposit: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `deposit_id` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    address?: string;
                    amount?: number;
                    deposit_id?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
        };
    };
    FundTreasury: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `deposit_id` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    amount?: number;
                    deposit_id?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TreasuryFunds"];
                };
            };
        };
    };
    TakeOut: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same as `take_id` in the body: the same key is done once. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    amount?: number;
                    take_id?: string;
                    burn?: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Treasury"];
                };
            };
        };
    };
}
