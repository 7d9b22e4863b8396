(statement (create_table (object_reference) @name [(column_definitions) (create_query)]? @body)) @definition.table
(statement (create_view . (_)* . (object_reference) @name (create_query)? @body)) @definition.view
(statement (create_materialized_view (object_reference) @name (create_query)? @body)) @definition.view
(statement (create_index column: (identifier) @name)) @definition.index
(statement (create_function . (_)* . (object_reference) @name (function_body)? @body)) @definition.function
(statement (create_trigger . (_)? . (_)? . (_)? . (_)? . (object_reference) @name)) @definition.trigger
(statement (create_type (object_reference) @name)) @definition.type
(statement (create_sequence (object_reference) @name)) @definition.sequence
(statement (create_schema (identifier) @name)) @definition.schema

(relation (object_reference name: (identifier) @reference))
(insert (object_reference name: (identifier) @reference))
(alter_table (object_reference name: (identifier) @reference))
(create_index (object_reference name: (identifier) @reference))
(invocation (object_reference name: (identifier) @reference))

[(comment) (marginalia)] @above
