// A refusal in the form in which Azure Resource Manager answers: status, code, message, what it is about, and details.

export interface ArmErrorDetail {
  code: string
  message: string
  target?: string
}

export class ArmError extends Error {
  override readonly name = 'ArmError'

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly target?: string,
    readonly details: readonly ArmErrorDetail[] = [],
  ) {
    super(message)
  }

  get body(): { error: Record<string, unknown> } {
    const error: Record<string, unknown> = { code: this.code, message: this.message }
    if (this.target !== undefined) error.target = this.target
    if (this.details.length > 0) error.details = this.details
    return { error }
  }
}

export function invalidContent(message: string, target?: string): ArmError {
  return new ArmError(400, 'InvalidRequestContent', message, target)
}

export function conflict(code: string, message: string, target?: string): ArmError {
  return new ArmError(409, code, message, target)
}

export function jobNotFound(name: string): ArmError {
  return new ArmError(404, 'ResourceNotFound', `There is no job ${JSON.stringify(name)} here.`)
}
