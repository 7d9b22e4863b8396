(class_declaration name: [(type_identifier) (user_type)] @name body: (_) @body) @definition.class
(protocol_declaration name: (type_identifier) @name body: (_) @body) @definition.interface
(function_declaration name: (simple_identifier) @name body: (_)? @body) @definition.function
(protocol_function_declaration name: (simple_identifier) @name) @definition.method
(init_declaration "init" @name body: (_)? @body) @definition.method
(deinit_declaration "deinit" @name body: (_) @body) @definition.method
(typealias_declaration name: (type_identifier) @name) @definition.type
(source_file (property_declaration name: (pattern (simple_identifier) @name)) @definition.constant)
(class_body (property_declaration name: (pattern (simple_identifier) @name) computed_value: (_)? @body) @definition.field)

(call_expression . [(simple_identifier) @reference (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @reference))])
(inheritance_specifier (user_type (type_identifier) @reference))
(type_annotation (user_type (type_identifier) @reference))
(parameter (user_type (type_identifier) @reference))
(function_declaration (user_type (type_identifier) @reference))

(import_declaration (identifier) @import)

[(comment) (multiline_comment)] @above
