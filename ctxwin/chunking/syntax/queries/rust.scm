(function_item name: (identifier) @name body: (block) @body) @definition.function
(function_signature_item name: (identifier) @name) @definition.method
(struct_item name: (type_identifier) @name body: (_)? @body) @definition.class
(union_item name: (type_identifier) @name body: (_) @body) @definition.class
(enum_item name: (type_identifier) @name body: (_) @body) @definition.enum
(trait_item name: (type_identifier) @name body: (_) @body) @definition.interface
(impl_item type: [(type_identifier) @name (generic_type type: (type_identifier) @name) (scoped_type_identifier) @name] body: (_) @body) @definition.impl
(type_item name: (type_identifier) @name type: (_) @body) @definition.type
(mod_item name: (identifier) @name body: (_)? @body) @definition.module
(macro_definition name: (identifier) @name) @definition.macro
(const_item name: (identifier) @name value: (_)? @body) @definition.constant
(static_item name: (identifier) @name value: (_)? @body) @definition.constant

(call_expression function: [
  (identifier) @reference
  (field_expression field: (field_identifier) @reference)
  (scoped_identifier name: (identifier) @reference)])
(generic_function function: [
  (identifier) @reference
  (field_expression field: (field_identifier) @reference)
  (scoped_identifier name: (identifier) @reference)])
(macro_invocation macro: (identifier) @reference)
(impl_item trait: [(type_identifier) @reference (generic_type type: (type_identifier) @reference)])
(parameter type: [(type_identifier) @reference (reference_type type: (type_identifier) @reference)])
(field_declaration type: (type_identifier) @reference)
(function_item return_type: (type_identifier) @reference)
(type_arguments (type_identifier) @reference)
(struct_expression name: (type_identifier) @reference)
(scoped_identifier path: (identifier) @reference)

(use_declaration argument: (_) @import)
(mod_item name: (identifier) @import !body)

[(line_comment) (block_comment) (attribute_item)] @above
