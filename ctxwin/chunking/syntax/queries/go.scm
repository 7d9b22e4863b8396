(function_declaration name: (identifier) @name body: (block)? @body) @definition.function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @within
    (pointer_type (type_identifier) @within)
    (generic_type type: (type_identifier) @within)
    (pointer_type (generic_type type: (type_identifier) @within))]))
  name: (field_identifier) @name body: (block)? @body) @definition.method
(type_declaration . (type_spec name: (type_identifier) @name type: (struct_type (field_declaration_list) @body)) .) @definition.class
(type_declaration . (type_spec name: (type_identifier) @name type: (interface_type) @body) .) @definition.interface
(type_declaration . (type_spec name: (type_identifier) @name type: (_) @body) .) @definition.type
(type_spec name: (type_identifier) @name type: (_) @body) @definition.type
(type_alias name: (type_identifier) @name type: (_) @body) @definition.type
(source_file (const_declaration (const_spec . name: (identifier) @name value: (_)? @body) @definition.constant))
(source_file (var_declaration (var_spec . name: (identifier) @name value: (_)? @body) @definition.constant))
(source_file (var_declaration (var_spec_list (var_spec . name: (identifier) @name value: (_)? @body) @definition.constant)))
(method_elem name: (field_identifier) @name) @definition.method

(call_expression function: [(identifier) @reference (selector_expression field: (field_identifier) @reference)])
(parameter_declaration type: [(type_identifier) @reference (pointer_type (type_identifier) @reference)])
(field_declaration type: [(type_identifier) @reference (pointer_type (type_identifier) @reference)])
(composite_literal type: (type_identifier) @reference)
(qualified_type name: (type_identifier) @reference)
(field_declaration !name type: (type_identifier) @reference)
(function_declaration result: [(type_identifier) @reference (pointer_type (type_identifier) @reference)])
(method_declaration result: [(type_identifier) @reference (pointer_type (type_identifier) @reference)])

(import_spec path: (_) @import)

(comment) @above
