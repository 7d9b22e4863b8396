(rule_set (selectors) @name (block) @body) @definition.rule
(keyframes_statement (keyframes_name) @name (_) @body) @definition.rule
(media_statement . (_) @name (block) @body) @definition.rule
(supports_statement . (_) @name (block) @body) @definition.rule

(import_statement (string_value) @import)
(import_statement (call_expression (arguments (_) @import)))

(comment) @above
